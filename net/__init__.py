"""Bridges, addresses, firewall rules and names of a stack's networks."""
