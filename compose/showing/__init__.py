"""How things look: lists, progress, logs, problems, graphs."""
