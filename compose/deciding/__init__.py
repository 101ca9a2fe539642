"""Wanted, observed: a plan, every step with its cause."""
