"""`windlass diff`."""

import sys
from typing import Annotated

from compose.cli.choices import one_of
from compose.cli.chosen import containers_of
from compose.cli.meant import meant_image
from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.cli.texts import printable
from compose.times import size_text
from engine.images.store import ImageStore
from engine.versions.changes import changes
from engine.versions.comparison import Difference, differences
from engine.versions.writable import opened


def command(
    session: Session,
    service: Annotated[str, Argument("Whose container; or an image.", metavar="SERVICE|IMAGE")],
    other: Annotated[str, Argument("Another image, which the first one is compared with.", metavar="[IMAGE]")] = "",
    *,
    index: Annotated[int, Option("--index", tells="The replica's number.")] = 0,
    output: Annotated[str, Option("--format", tells="text or json (one object a line).")] = "text",
) -> None:
    """Shows what a container has changed in its image's files, or what differs between two images."""
    one_of("--format", output, ("text", "json"))
    session.require_root()
    store = ImageStore(session.layout.images, session.layout.cache)
    if other:
        with store.in_use():
            found = list(differences(store, meant_image(session, store, service), meant_image(session, store, other)))
        sys.stdout.write(_json(found) if output == "json" else _text(found))
        if output == "text":
            session.tell(_sum(found))
        return
    place = session.stack_layout()
    record = containers_of(session, place, service, index)[0]
    with store.in_use(), opened(store, place, record) as container:
        changed = changes(container)
    if output == "json":
        sys.stdout.write(_json([Difference(each.kind, each.path) for each in changed], plain=True))
    else:
        sys.stdout.write("".join(f"{each.kind} {printable(each.path)}\n" for each in changed))


def _text(found: list[Difference]) -> str:
    return "".join(f"{each.kind} {printable(each.path)}  ({', '.join(_facts(each))})\n" for each in found)


def _facts(each: Difference) -> list[str]:
    """How large it is, or was, and in what it differs."""
    if each.kind == "C":
        sizes = f"{size_text(each.size_before)} -> {size_text(each.size_after)}"
        return [*([sizes] if each.size_before != each.size_after else []), *map(printable, each.reasons)]
    return [size_text(each.size_before + each.size_after)] if each.reasons == ("file",) else [*each.reasons]


def _sum(found: list[Difference]) -> str:
    counts = {kind: [each for each in found if each.kind == kind] for kind in "ACD"}
    added = sum(each.size_after for each in counts["A"])
    deleted = sum(each.size_before for each in counts["D"])
    return (
        f"{len(counts['A'])} added ({size_text(added)}), {len(counts['C'])} changed, "
        f"{len(counts['D'])} deleted ({size_text(deleted)})"
    )


def _json(found: list[Difference], *, plain: bool = False) -> str:
    import json  # noqa: PLC0415 - only here

    lines = []
    for each in found:
        fields: dict[str, object] = {"Kind": each.kind, "Path": each.path}
        if not plain:
            fields |= {"SizeBefore": each.size_before, "SizeAfter": each.size_after, "Reasons": list(each.reasons)}
        lines.append(json.dumps(fields) + "\n")
    return "".join(lines)
