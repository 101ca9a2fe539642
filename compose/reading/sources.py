"""Parses the files of a project, each one once."""

import os
from collections.abc import Callable
from typing import NamedTuple

from compose import codes
from compose.errors import FileError, Problem
from compose.nodes import Node
from compose.places import Place
from compose.reading.discovery import STDIN
from compose.reading.document import read_documents

OVERLAY = "command line"
"""Stands for a file that the command line speaks of in options."""


class Asked(NamedTuple):
    """Who asks for a file: the place that names it, what for ("services.web extends"), a hint for when it is missing.

    Without a place the command line asks.
    """

    place: Place | None = None
    purpose: str = ""
    hint: str = "check -f and COMPOSE_FILE"


BY_COMMAND = Asked()


class Sources:
    """The documents of files by their absolute path ("-" is standard input)."""

    def __init__(self, working_directory: str, stdin: Callable[[], bytes], overlay: bytes = b"") -> None:
        """`overlay` is the content of the file OVERLAY."""
        self._overlay = overlay
        self._working_directory = working_directory
        self._stdin = stdin
        self._documents: dict[str, tuple[Node, ...]] = {}
        self.marked = False
        """Whether some file may hold !reset or !override."""

    def shown(self, path: str) -> str:
        """A path as the user would write it: relative below the working directory, else absolute."""
        if path in {STDIN, OVERLAY}:
            return path
        relative = os.path.relpath(path, self._working_directory)
        return path if relative.startswith("..") else relative

    def documents(self, path: str, asked: Asked = BY_COMMAND) -> tuple[Node, ...]:
        """The documents of a file that are not empty; raises FileError, also when there are none."""
        if path not in self._documents:
            self._documents[path] = ()  # who asks again for a file that is wrong gets nothing
            content = self._content(path, asked)
            self.marked = self.marked or b"!reset" in content or b"!override" in content
            shown = self.shown(path)
            self._documents[path] = found = tuple(
                root for root in read_documents(content, shown) if root.value is not None
            )
            if not found:
                hint = "describe at least one service below `services:`"
                raise FileError((Problem(Place(shown), "is empty", hint, codes.EMPTY_FILE),))
        return self._documents[path]

    def parsed(self) -> tuple[Node, ...]:
        """The documents of all files so far."""
        return tuple(root for roots in self._documents.values() for root in roots)

    def order(self) -> dict[str, int]:
        """The files as they are shown, numbered in the order they were asked for."""
        return {self.shown(path): number for number, path in enumerate(self._documents)}

    def _content(self, path: str, asked: Asked) -> bytes:
        if path == STDIN:
            return self._stdin()
        if path == OVERLAY:
            return self._overlay
        try:
            with open(path, "rb") as file:
                return file.read()
        except OSError as error:
            missing = isinstance(error, FileNotFoundError)
            reason = "no such file" if missing else f"cannot be read: {error.strerror}"
            code = codes.NO_FILE if missing else codes.UNREADABLE
            if asked.place is None:
                raise FileError((Problem(Place(self.shown(path)), reason, asked.hint, code),)) from None
            message = f"{asked.purpose} {self.shown(path)}: {reason}"
            raise FileError((Problem(asked.place, message, asked.hint, code),)) from None
