"""What is wrong in a Dockerfile, collected while it is read."""

from typing import NamedTuple

from engine.errors import BuildError


class Problem(NamedTuple):
    """One mistake: `line` counts from 1; `hint` may be empty."""

    line: int
    message: str
    hint: str = ""


class Mistake(ValueError):  # noqa: N818 -- it never leaves this package: whoever knows the line makes a Problem of it
    """A part of an instruction that makes no sense; whoever knows its line catches it."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def failure(file: str, problems: list[Problem]) -> BuildError:
    """One error that tells every problem, in the file's order; there must be one at least."""
    ordered = sorted(problems)
    first = ordered[0]
    lines = [f"{file}:{problem.line}: {problem.message}" for problem in ordered]
    return BuildError("\n".join(lines), file=file, line=first.line, hint=first.hint)
