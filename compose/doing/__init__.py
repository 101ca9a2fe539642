"""Observing what there is, carrying plans out."""
