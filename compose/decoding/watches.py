"""Decodes what is to happen when files change: develop.watch."""

from collections.abc import Mapping
from typing import Any

from compose.decoding.findings import Findings
from compose.decoding.lives import hook
from compose.decoding.values import NOTHING, flag, text, words
from compose.model import Trigger
from compose.nodes import Node


def triggers(fields: Mapping[str, Node], path: str, findings: Findings) -> tuple[Trigger, ...]:
    """A service's triggers, in the file's order."""
    watch = fields.get("develop", NOTHING).fields.get("watch", NOTHING)
    return tuple(
        _trigger(entry, f"{path}.develop.watch[{index}]", findings) for index, entry in enumerate(watch.entries)
    )


def _trigger(entry: Node, path: str, findings: Findings) -> Trigger:
    fields = entry.fields
    action: Any = text(fields, "action")
    command = words(fields.get("exec", NOTHING).fields.get("command")) or ()
    if action == "sync+exec" and not command:
        findings.hinder(entry, f"{path} has nothing to run", "add `exec: {command: [program, argument]}`")
    return Trigger(
        path=text(fields, "path"),
        action=action,
        target=text(fields, "target"),
        ignore=words(fields.get("ignore")) or (),
        include=words(fields.get("include")) or (),
        hook=hook(fields["exec"].fields, command) if command else None,
        initial_sync=flag(fields, "initial_sync"),
    )
