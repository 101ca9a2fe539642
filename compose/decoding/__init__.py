"""The typed stack of a canonical document, one part of a service each."""
