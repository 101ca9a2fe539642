"""Images made from Dockerfiles."""
