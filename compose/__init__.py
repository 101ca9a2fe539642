"""What the user says: Compose files, plans and the command line."""
