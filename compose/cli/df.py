"""`windlass df`."""

import sys
from typing import Annotated

from compose.cli.options import Option
from compose.cli.session import Session
from compose.showing.formats import Row, Shape, listed, require_format
from compose.showing.tables import table
from compose.times import size_text
from engine.housekeeping.removal import familiar
from engine.housekeeping.sizes import Account, Item, Total, account

TOTALS = Shape(
    columns=("Type", "TotalCount", "Active", "Size", "Reclaimable"),
    headers={
        "Active": "ACTIVE",
        "Reclaimable": "RECLAIMABLE",
        "Size": "SIZE",
        "TotalCount": "TOTAL",
        "Type": "TYPE",
    },
)
HEADER = ("NAME", "STACK", "SIZE", "SHARED", "IN USE")


def command(
    session: Session,
    *,
    verbose: Annotated[bool, Option("--verbose", "-v", tells="Every image, container and volume.")] = False,
    output: Annotated[str, Option("--format", tells="table, json (one object a line), or a template.")] = "table",
) -> None:
    """Tells what images, containers, volumes and builds take on the disk."""
    require_format(output)
    session.require_root()
    found = account(session.layout)
    if verbose and output == "table":
        sys.stdout.write(_details(found))
        return
    sys.stdout.write(listed([Row(_values(kind, total)) for kind, total in found.totals().items()], output, TOTALS))


def _values(kind: str, total: Total) -> dict[str, object]:
    share = f" ({100 * total.reclaimable_bytes // total.size_bytes}%)" if total.size_bytes else ""
    return {
        "Active": str(total.active),
        "Reclaimable": f"{size_text(total.reclaimable_bytes)}{share}",
        "Size": size_text(total.size_bytes),
        "TotalCount": str(total.number),
        "Type": kind,
    }


def _details(found: Account) -> str:
    kinds = {"Images": found.images, "Containers": found.containers, "Local Volumes": found.volumes}
    texts = [f"{kind}:\n\n{table(HEADER, [_row(item) for item in items])}" for kind, items in kinds.items()]
    builds = found.totals()["Build Cache"]
    return "\n".join([*texts, f"Build Cache: {size_text(builds.size_bytes)} in {builds.number} steps\n"])


def _row(item: Item) -> tuple[str, ...]:
    name = item.name
    if item.kind == "image":
        name = name[7:19] if name.startswith("sha256:") else familiar(name)
    shared = size_text(item.shared_bytes) if item.kind == "image" else ""
    return (name, item.stack, size_text(item.size_bytes), shared, "yes" if item.active else "no")
