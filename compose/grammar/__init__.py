"""What files may say."""
