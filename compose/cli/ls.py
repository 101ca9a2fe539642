"""`windlass ls`."""

import sys
from collections import Counter
from collections.abc import Iterator
from typing import Annotated

from compose import naming
from compose.cli.options import Option
from compose.cli.session import Session
from compose.doing.observe import containers
from compose.errors import UsageError
from compose.showing.formats import Row, Shape, listed, require_format
from engine.layout import Layout
from engine.state import ALIVE

STACKS = Shape(
    columns=("Name", "Status", "ConfigFiles"),
    headers={"Name": "NAME", "Status": "STATUS", "ConfigFiles": "CONFIG FILES"},
    array=True,
)


def command(
    session: Session,
    *,
    everything: Annotated[bool, Option("--all", "-a", tells="Stacks of which nothing runs, too.")] = False,
    quiet: Annotated[bool, Option("--quiet", "-q", tells="Names only.")] = False,
    filters: Annotated[list[str] | None, Option("--filter", tells="name=TEXT that names begin with.")] = None,
    output: Annotated[str, Option("--format", tells="table, json (one array), or a template.")] = "table",
) -> None:
    """Lists the stacks of this installation."""
    require_format(output)
    session.require_root()
    wanted = [_name_of(text) for text in filters or ()]
    found = [
        Row({"Name": name, "Status": status, "ConfigFiles": files})
        for name, status, files in _stacks(session.layout, everything=everything)
        if not wanted or any(name.startswith(start) for start in wanted)
    ]
    names = "".join(f"{row.fields['Name']}\n" for row in found)
    sys.stdout.write(names if quiet else listed(found, output, STACKS))


def _stacks(layout: Layout, *, everything: bool) -> Iterator[tuple[str, str, str]]:
    """Name, status and files of each stack."""
    if not layout.stacks.is_dir():
        return
    for directory in sorted(layout.stacks.iterdir()):
        records = containers(layout.stack(directory.name))
        alive = [record for record in records if record.state.status in ALIVE]
        shown = records if everything else alive
        if shown:
            states = Counter("paused" if record.state.paused else record.state.status for record in shown)
            status = ", ".join(f"{state}({count})" for state, count in sorted(states.items()))
            files = dict.fromkeys(record.spec.labels.get(naming.CONFIG_FILES, "") for record in records)
            yield directory.name, status, ",".join(filter(None, files))


def _name_of(text: str) -> str:
    key, equals, name = text.partition("=")
    if key != "name" or not equals:
        raise UsageError(f"--filter {text}: only name=TEXT is known", hint="for example --filter name=shop")
    return name
