"""The stack's supervisor: parent, watcher and scribe of its containers."""
