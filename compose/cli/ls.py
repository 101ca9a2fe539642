"""`windlass ls`."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Annotated, NamedTuple

from compose import naming
from compose.cli.choices import one_of
from compose.cli.options import Option
from compose.cli.session import Session
from compose.errors import UsageError
from compose.observe import containers
from compose.tables import table
from engine.layout import Layout


class _Listed(NamedTuple):
    name: str
    status: str
    files: str


def command(
    session: Session,
    *,
    everything: Annotated[bool, Option("--all", "-a", tells="Stacks of which nothing runs, too.")] = False,
    quiet: Annotated[bool, Option("--quiet", "-q", tells="Names only.")] = False,
    filters: Annotated[list[str] | None, Option("--filter", tells="name=TEXT that names begin with.")] = None,
    output: Annotated[str, Option("--format", tells="table or json (one array).")] = "table",
) -> None:
    """Lists the stacks of this installation."""
    one_of("--format", output, ("table", "json"))
    session.require_root()
    wanted = [_name_of(text) for text in filters or ()]
    found = [
        stack
        for stack in _stacks(session.layout, everything=everything)
        if not wanted or any(stack.name.startswith(name) for name in wanted)
    ]
    if quiet:
        text = "".join(f"{stack.name}\n" for stack in found)
    elif output == "json":
        values = [{"Name": stack.name, "Status": stack.status, "ConfigFiles": stack.files} for stack in found]
        text = json.dumps(values, separators=(",", ":")) + "\n"
    else:
        text = table(("NAME", "STATUS", "CONFIG FILES"), found)
    sys.stdout.write(text)


def _stacks(layout: Layout, *, everything: bool) -> Iterator[_Listed]:
    if not layout.stacks.is_dir():
        return
    for directory in sorted(layout.stacks.iterdir()):
        records = containers(layout.stack(directory.name))
        alive = [record for record in records if record.state.status in {"running", "restarting"}]
        shown = records if everything else alive
        if shown:
            states = Counter("paused" if record.state.paused else record.state.status for record in shown)
            status = ", ".join(f"{state}({count})" for state, count in sorted(states.items()))
            files = dict.fromkeys(record.spec.labels.get(naming.CONFIG_FILES, "") for record in records)
            yield _Listed(directory.name, status, ",".join(filter(None, files)))


def _name_of(text: str) -> str:
    key, equals, name = text.partition("=")
    if key != "name" or not equals:
        raise UsageError(f"--filter {text}: only name=TEXT is known", hint="for example --filter name=shop")
    return name
