"""Decodes configs and secrets: where their contents come from, which services get them."""

from collections.abc import Iterator, Mapping
from typing import Literal

from compose import codes
from compose.decoding.findings import Findings
from compose.decoding.values import NOTHING, flag, text, texts
from compose.model import Content, Grant
from compose.nodes import Node

Kind = Literal["configs", "secrets"]

_SOURCES: dict[Kind, tuple[str, ...]] = {
    "configs": ("file", "environment", "content", "external"),
    "secrets": ("file", "environment", "external"),
}
_MOST_IDS = 65536
DEFAULT_MODE = "0444"


def content(kind: Kind, key: str, node: Node, variables: Mapping[str, str], findings: Findings) -> Content:
    """One config or secret of the file; `variables` are the project's."""
    fields = node.fields
    path = f"{kind}.{key}"
    given = [
        source
        for source in _SOURCES[kind]
        if source in fields and fields[source].value is not False and (kind == "configs" or fields[source].value != "")
    ]
    words = ", ".join(_SOURCES[kind][:-1])
    for unsupported in ("driver", "template_driver"):
        if text(fields, unsupported):
            hint = f"delete '{unsupported}', and say where the content comes from: {words} or external"
            findings.refuse(fields[unsupported], f"{path}.{unsupported} is not supported yet", hint, codes.NOT_YET)
    if not given and (kind == "secrets" or not text(fields, "driver")):
        findings.refuse(
            node,
            f"{path} does not say where its content comes from",
            f"add one of {words} or external",
            codes.MISSING_KEY,
        )
    elif len(given) > 1:
        tell = findings.hinder if flag(fields, "external") else findings.refuse
        message = f"{path} has both '{given[0]}' and '{given[1]}'"
        tell(fields[given[1]], message, "keep one of the two", codes.CONTRADICTION)
    variable = text(fields, "environment")
    return Content(
        key=key,
        name=text(fields, "name") or key,
        labels=texts(fields.get("labels")),
        content=text(fields, "content") if "content" in fields else None,
        environment=variable,
        value=variables.get(variable) if variable else None,
        file=text(fields, "file"),
        external=flag(fields, "external"),
    )


def grants(kind: Kind, fields: Mapping[str, Node], path: str, findings: Findings) -> Iterator[Grant]:
    """What a service gets; targets without a leading slash count from / (configs) or /run/secrets."""
    for index, entry in enumerate(fields.get(kind, NOTHING).entries):
        here = f"{path}.{kind}[{index}]"
        source = text(entry.fields, "source")
        if not source:
            findings.refuse(
                entry, f"{here} has no source", f"add `source:` with a name of the file's `{kind}:`", codes.MISSING_KEY
            )
            continue
        target = text(entry.fields, "target") or source
        yield Grant(
            source=source,
            target=target if target.startswith("/") else f"{'/' if kind == 'configs' else '/run/secrets/'}{target}",
            uid=_identity(entry, "uid", here, findings),
            gid=_identity(entry, "gid", here, findings),
            mode=int(text(entry.fields, "mode") or DEFAULT_MODE, 8),
        )


def _identity(entry: Node, key: str, path: str, findings: Findings) -> int:
    written = text(entry.fields, key)
    if not written:
        return 0
    if not written.isdecimal() or int(written) >= _MOST_IDS:
        findings.hinder(entry.fields[key], f"{path}.{key} cannot be '{written}'", f"write a number below {_MOST_IDS}")
        return 0
    return int(written)
