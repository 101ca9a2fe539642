"""Images from registries, by the OCI distribution protocol. Only the command line uses it."""
