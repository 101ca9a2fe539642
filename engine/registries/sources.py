"""Where a repository is fetched from: its registry's mirrors in their order, then the registry itself.

A mirror is a convenience: whatever it cannot do, the registry does. It is told credentials of its own, if any.
"""

import threading
from collections.abc import Callable
from typing import TypeVar

from engine.errors import ImageError
from engine.images.references import Reference
from engine.registries.access import Access
from engine.registries.terms import Way
from engine.registries.wire import UnreachableError, Wire

Result = TypeVar("Result")


class Sources:
    """A repository at its registry and the mirrors. May be used by several threads at once."""

    def __init__(self, reference: Reference, way: Way, wire: Wire) -> None:
        mirrors = way.settings.mirrors.get(reference.registry, ())
        places = [(mirror, *mirror.partition("/")[::2]) for mirror in mirrors]
        self._mirrors = [
            (name, _access(host, f"{prefix}/{reference.repository}".lstrip("/"), way, wire))
            for name, host, prefix in places
        ]
        self.registry = _access(reference.registry, reference.repository, way, wire)
        self._lock = threading.Lock()
        self._unreachable: set[str] = set()
        self._reasons: dict[str, str] = {}

    def fetch(self, attempt: Callable[[Access], Result]) -> Result:
        """What an attempt gives where it succeeds first.

        Raises what the registry's attempt raises, with what was wrong with the mirrors.
        """
        for name, mirror in self._mirrors:
            if name in self._unreachable:
                continue
            try:
                return attempt(mirror)
            except ImageError as error:
                with self._lock:
                    self._reasons[name] = error.message
                    if isinstance(error, UnreachableError):
                        self._unreachable.add(name)
        try:
            return attempt(self.registry)
        except ImageError as error:
            with self._lock:
                error.message += "".join(f"; mirror {name}: {reason}" for name, reason in self._reasons.items())
            raise


def _access(registry: str, repository: str, way: Way, wire: Wire) -> Access:
    return Access(registry, repository, settings=way.settings, wire=wire, credentials=lambda: way.credentials(registry))
