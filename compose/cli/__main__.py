"""`python -m compose.cli` is `windlass`."""

from compose.cli.main import program

if __name__ == "__main__":
    program()
