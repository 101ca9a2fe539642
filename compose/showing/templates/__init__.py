"""The Go templates that `--format` takes, as far as scripts use them."""
