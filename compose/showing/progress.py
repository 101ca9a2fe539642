"""Chooses how a command tells on standard error how it gets on."""

import sys
from collections.abc import Iterable
from typing import Literal, TextIO

from compose.deciding.steps import Action
from compose.doing.plainlines import JsonLines, PlainLines, Silence
from compose.doing.reports import Progress, resource

Mode = Literal["tty", "plain", "json", "quiet"]


def open_progress(mode: Mode, *, title: str, stream: TextIO, expected: Iterable[Action] = (), color: bool) -> Progress:
    """Progress in the wanted form. `title` is the command's verb; `expected` tells how many resources there will be."""
    match mode:
        case "tty":
            from compose.showing.livelines import LiveLines  # noqa: PLC0415 - only a terminal needs it

            return LiveLines(stream, title=title, resources=[resource(action) for action in expected], color=color)
        case "plain":
            return PlainLines(stream)
        case "json":
            return JsonLines(stream)
        case "quiet":
            return Silence()


def terminal_mode(choice: str, stream: TextIO | None = None) -> Mode:
    """What `--progress auto` means on this stream (standard error)."""
    match choice:
        case "tty" | "plain" | "json" | "quiet":
            return choice
        case _:
            return "tty" if (stream or sys.stderr).isatty() else "plain"
