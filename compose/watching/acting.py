"""Does what changed files ask for, but for what whole verbs do: copies them into the containers of a service."""

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import NamedTuple

from compose.doing.insides import insides
from compose.watching.batches import Transfer
from compose.watching.rules import Rule
from engine.copies.copying import Copied
from engine.copies.syncing import Change, sync
from engine.errors import CopyError
from engine.layout import StackLayout
from engine.state import ContainerRecord


class Synced(NamedTuple):
    """What became of a sync: the files that were copied and removed, and what went wrong in which container."""

    copied: int
    removed: int
    failures: tuple[tuple[str, CopyError], ...]


def sync_service(
    stack: StackLayout,
    records: Sequence[ContainerRecord],
    transfers: Iterable[Transfer],
    lock: AbstractContextManager[None],
) -> Synced:
    """Brings the files of some running containers of one service to what they are here."""
    changes, gone = sort_out(transfers, os.path.lexists)
    with insides(stack, records, lock) as begins:
        outcomes = sync(begins, changes, gone, records[0].spec.process.user)
    failures = [
        (record.spec.name, outcome)
        for record, outcome in zip(records, outcomes, strict=True)
        if isinstance(outcome, CopyError)
    ]
    copied = max((outcome.entries for outcome in outcomes if isinstance(outcome, Copied)), default=0)
    return Synced(copied, len(gone), tuple(failures))


def sort_out(transfers: Iterable[Transfer], exists: Callable[[str], bool]) -> tuple[list[Change], list[str]]:
    """What is to be copied, and what is to be removed in containers.

    A target itself is never removed: a path that is gone as a whole is about to come back, or was never meant to go.
    """
    changes: list[Change] = []
    gone: list[str] = []
    for transfer in transfers:
        if exists(transfer.path):
            changes.append(Change(transfer.path, transfer.place, partial(_is_wanted, transfer.rule, transfer.path)))
        elif transfer.path != transfer.rule.trigger.path:
            gone.append(transfer.place)
    return changes, gone


def _is_wanted(rule: Rule, top: str, below: str, directory: bool) -> bool:
    path = f"{top}/{below}"
    return rule.descends(path) if directory else rule.matters(path)
