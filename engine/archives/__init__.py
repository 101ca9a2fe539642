"""Whole images as files: archives that other programs read and write, too."""
