"""`windlass graph`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from compose.cli.choices import one_of
from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.doing.observe import containers
from compose.showing.graphs.model import Graph, graph_of

if TYPE_CHECKING:
    from engine.state import ContainerRecord


def command(
    session: Session,
    services: Annotated[list[str] | None, Argument("Enable these services' profiles.")] = None,
    *,
    output: Annotated[str, Option("--format", tells="text, mermaid, dot or svg.")] = "text",
    to_file: Annotated[str, Option("--output", "-o", tells="Write to this file.")] = "",
) -> None:
    """Draws who waits for whom, and how each service is if the stack runs."""
    one_of("--format", output, ("text", "mermaid", "dot", "svg"))
    stack = session.stack(services=tuple(services or ()))
    text = _drawn(graph_of(stack, _running(session, stack.name)), output)
    if to_file:
        Path(to_file).write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


def _running(session: Session, name: str) -> "tuple[ContainerRecord, ...]":
    """The stack's containers; none for who may not see them."""
    try:
        return containers(session.stack_layout(name))
    except PermissionError:
        return ()


def _drawn(graph: Graph, output: str) -> str:
    from compose.showing.graphs import markup, svg, text  # noqa: PLC0415 - not before the files are read

    drawings = {
        "text": text.graph_text,
        "mermaid": markup.graph_mermaid,
        "dot": markup.graph_dot,
        "svg": svg.graph_svg,
    }
    return drawings[output](graph)
