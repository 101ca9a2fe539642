"""Files that change while a stack runs, and what comes of it."""
