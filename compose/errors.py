"""The errors of this package.

    ComposeError                message, hint
    |- FileError                everything that is wrong with the user's files: a tuple of Problem
    |- UsageError               the command line asks for something that is not there
    `- StackError               a command failed on a stack that is well described

Errors of the engine and the network are shown as they are: they have a message and a hint, too.
"""

from typing import NamedTuple

from compose.places import Place


class Problem(NamedTuple):
    """One thing that is wrong in a file, where, and what to do about it (hint; may be empty).

    Hint and code have no defaults: none is forgotten. `code` names the kind of mistake for `explain`, whatever the
    message's words (`compose.codes`). `also` are other places that have a part in it: the first of two equal keys, the
    edges of a circle.
    """

    place: Place
    message: str
    hint: str
    code: str
    also: tuple[Place, ...] = ()

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class ComposeError(Exception):
    """What was attempted on which thing, with a hint that says what to do next (may be empty)."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class FileError(ComposeError):
    """Everything that is wrong with the user's files, in the files' order; never empty."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class UsageError(ComposeError):
    """The command line asks for something that is not there."""


class StackError(ComposeError):
    """A command failed on a stack that is well described."""


class OverdueError(StackError):
    """What was waited for has not come in time."""
