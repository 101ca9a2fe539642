"""`python -m compose.cli` is `windlass`."""

from compose.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
