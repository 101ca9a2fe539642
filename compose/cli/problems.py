"""What is wrong with the user's files, as the user sees it."""

import os
from collections.abc import Iterable
from typing import TextIO

from compose.cli.texts import printable
from compose.errors import Problem

_WIDTH = 100  # of excerpts, where the terminal does not tell its own


def show_problems(problems: Iterable[Problem], stream: TextIO, *, color: bool) -> None:
    """Prints each problem in a line, its hint below; on a terminal also the lines of the file that are to blame."""
    problems = tuple(problems)
    on_terminal = stream.isatty()
    for problem in problems:
        stream.write(_headline(problem, color=color))
        if on_terminal:
            stream.writelines(f"{line}\n" for line in _excerpt(problem, stream, color=color))
        stream.writelines(f"  hint: {printable(line)}\n" for line in problem.hint.splitlines())
    codes = sorted({problem.code for problem in problems if problem.code})
    if on_terminal and codes:
        count = f"{len(problems)} problems" if len(problems) > 1 else "1 problem"
        stream.write(f"{count}; more about it: windlass explain {' '.join(codes[:3])}\n")
    stream.flush()


def _headline(problem: Problem, *, color: bool) -> str:
    place, message = printable(str(problem.place)), printable(problem.message)
    code = f" [{problem.code}]" if problem.code else ""
    return f"\x1b[1m{place}:\x1b[0m {message}\x1b[2m{code}\x1b[0m\n" if color else f"{place}: {message}{code}\n"


def _excerpt(problem: Problem, stream: TextIO, *, color: bool) -> list[str]:
    from compose.showing.excerpts import COLORED, PLAIN, Sources, excerpt  # noqa: PLC0415 - for terminals only

    try:
        width = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        width = 0
    return list(excerpt(problem, Sources(), width=width or _WIDTH, palette=COLORED if color else PLAIN))
