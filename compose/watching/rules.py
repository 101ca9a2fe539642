"""Which changed files matter to which service: develop.watch with what is left out."""

import os.path
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NamedTuple

from compose.model import Service, Trigger
from engine.dockerfiles.contexts import read_rules
from engine.dockerfiles.ignoring import IgnoreRules, parse_ignore_rules

_FLEETING: Final = parse_ignore_rules(
    """
    **/.git
    **/.idea
    **/*___jb_old___
    **/*___jb_tmp___
    **/.#*
    **/[#]*#
    **/4913
    **/*~
    **/.*.sw[a-p]
    **/.*.swx
    **/.*.kate-swp
    **/*-go-tmp-umask
    """,
    "what editors leave behind",
)
"""What programs write for a moment, beside the files that are meant."""

_SYNCING = frozenset(("sync", "sync+restart", "sync+exec"))


class Rule(NamedTuple):
    """One trigger of one service. `ignored` pairs directories with what is left out below them."""

    service: str
    trigger: Trigger
    ignored: tuple[tuple[str, IgnoreRules], ...]
    included: IgnoreRules | None = None

    @property
    def syncs(self) -> bool:
        """Whether files are copied."""
        return self.trigger.action in _SYNCING

    def matters(self, path: str) -> bool:
        """Whether a change of a file means anything to this rule."""
        below = relative(path, self.trigger.path)
        if below is None or not self._kept(path):
            return False
        return self.included is None or below == "" or self.included.ignoring(below) is not None

    def descends(self, directory: str) -> bool:
        """Whether something below a directory may matter."""
        if relative(directory, self.trigger.path) is None:
            return False
        return self._kept(directory, below=True)

    def place_of(self, path: str) -> str:
        """Where a file is copied to, inside the container."""
        below = relative(path, self.trigger.path)
        target = f"/{self.trigger.target.strip('/')}"
        return os.path.join(target, below) if below else target  # noqa: PTH118 - a path inside

    def _kept(self, path: str, *, below: bool = False) -> bool:
        for top, rules in self.ignored:
            inside = relative(path, top)
            if inside and rules.ignoring(inside) is not None and not (below and rules.may_keep_below):
                return False
        return True


def gather(services: Iterable[Service], read: Callable[[Service], tuple[str, IgnoreRules] | None]) -> tuple[Rule, ...]:
    """The rules of some services; `read` gives a service's build context and what is left out of it."""
    rules = []
    for service in services:
        context = read(service) if service.watch else None
        for trigger in service.watch:
            ignored = [(trigger.path, _FLEETING)]
            if context is not None:
                ignored.append(context)
            if trigger.ignore:
                ignored.append((trigger.path, parse_ignore_rules("\n".join(trigger.ignore), "ignore")))
            included = parse_ignore_rules("\n".join(trigger.include), "include") if trigger.include else None
            rules.append(Rule(service.name, trigger, tuple(ignored), included))
    return tuple(rules)


def context_of(service: Service) -> tuple[str, IgnoreRules] | None:
    """A service's build context and its .dockerignore; None where nothing is built here."""
    if service.build is None or not Path(service.build.context).is_dir():
        return None
    context = Path(service.build.context)
    return str(context), read_rules(context, context / service.build.dockerfile)


def relative(path: str, top: str) -> str | None:
    """A path below another one, empty for that itself; None for any other. Both are absolute and tidy."""
    if path == top:
        return ""
    top = top if top.endswith("/") else f"{top}/"
    return path.removeprefix(top) if path.startswith(top) else None
