"""`windlass check`."""

import json
import sys
from typing import Annotated

from compose.cli.choices import one_of
from compose.cli.failures import WRONG
from compose.cli.options import Argument, Option
from compose.cli.problems import show_problems
from compose.cli.session import Session
from compose.errors import FileError, Problem


def command(
    session: Session,
    services: Annotated[list[str] | None, Argument("Enable these services' profiles.")] = None,
    *,
    output: Annotated[str, Option("--format", tells="text or json.")] = "text",
) -> int:
    """Tells everything that is wrong with the files, for people and for editors."""
    one_of("--format", output, ("text", "json"))
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    try:
        stack = session.stack(services=tuple(services or ()), warn=output == "text")
        problems, warnings = stack.obstacles, stack.warnings
    except FileError as error:
        problems = error.problems
    if output == "json":
        from compose.showing.problem_records import problem_records  # noqa: PLC0415 - only here

        records = [*problem_records(problems, "error"), *problem_records(warnings, "warning")]
        found = {"valid": not problems, "problems": records}
        sys.stdout.write(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    else:
        show_problems(problems, sys.stdout, color=session.color(sys.stdout))
    return WRONG if problems else 0
