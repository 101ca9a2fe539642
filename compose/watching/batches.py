"""Decides what is to be done after some files have changed."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from compose.model import Hook
from compose.watching.rules import Rule


class Transfer(NamedTuple):
    """A file or directory of this machine, and where it is in a container. `rule` says what is left out below it."""

    path: str
    place: str
    rule: Rule


class Batch(NamedTuple):
    """What changed files ask for: in this order, each by service."""

    rebuild: tuple[str, ...]
    sync: dict[str, tuple[Transfer, ...]]
    restart: tuple[str, ...]
    run: dict[str, tuple[Hook, ...]]

    def __bool__(self) -> bool:
        return bool(self.rebuild or self.sync or self.restart or self.run)


def decide(rules: Sequence[Rule], paths: Iterable[str]) -> Batch:
    """What to do about changed files. A service that is rebuilt gets new containers, so nothing else is done to it."""
    changed = sorted(set(paths))
    rebuild: dict[str, None] = {}
    restart: dict[str, None] = {}
    sync: dict[str, dict[str, Transfer]] = {}
    run: dict[str, list[Hook]] = {}
    for rule in rules:
        places = {path: rule.place_of(path) for path in changed if rule.matters(path)}
        transfers = {place: Transfer(path, place, rule) for path, place in places.items()}
        if not transfers:
            continue
        action, hook = rule.trigger.action, rule.trigger.hook
        if action == "rebuild":
            rebuild[rule.service] = None
        if rule.syncs:
            sync.setdefault(rule.service, {}).update(transfers)
        if action in {"restart", "sync+restart"}:
            restart[rule.service] = None
        if action == "sync+exec" and hook is not None and hook not in run.get(rule.service, ()):
            run.setdefault(rule.service, []).append(hook)
    return Batch(
        rebuild=tuple(rebuild),
        sync={
            name: tuple(found[place] for place in sorted(found)) for name, found in sync.items() if name not in rebuild
        },
        restart=tuple(name for name in restart if name not in rebuild),
        run={name: tuple(hooks) for name, hooks in run.items() if name not in rebuild and name not in restart},
    )


def first_batch(rules: Sequence[Rule]) -> Batch:
    """What is copied before anything has changed."""
    sync: dict[str, tuple[Transfer, ...]] = {}
    for rule in rules:
        if rule.syncs and rule.trigger.initial_sync:
            whole = Transfer(rule.trigger.path, rule.place_of(rule.trigger.path), rule)
            sync[rule.service] = (*sync.get(rule.service, ()), whole)
    return Batch(rebuild=(), sync=sync, restart=(), run={})
