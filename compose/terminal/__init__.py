"""A terminal and a stack at once."""
