"""What `config` prints, to the byte what Compose prints."""
