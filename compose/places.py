"""Where in the user's files a value stands."""

import msgspec


class Place(msgspec.Struct, frozen=True, order=True, gc=False):
    """A place in a file: `line` and `column` count from 1; line 0 means the file as a whole."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file
