"""Images as versions of a program's files: what made them, what tells them apart, how a container becomes one."""
