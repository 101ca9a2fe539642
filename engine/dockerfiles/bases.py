"""Gets the images that a build begins with or copies from."""

import threading
from collections.abc import Callable
from typing import Protocol

from engine.errors import ImageError
from engine.images.model import Image
from engine.images.references import parse_reference
from engine.images.store import ImageStore


class Pull(Protocol):
    """Gets an image from its registry."""

    def __call__(self, store: ImageStore, name: str, on_line: Callable[[str], None]) -> Image:
        """The image as its registry has it; `on_line` is told what happens, ImageError why it cannot be had."""
        ...


class Bases:
    """The images of one build, each gotten once; with `refresh`, as registries and mirrors have them now."""

    def __init__(self, store: ImageStore, pull: Pull, on_line: Callable[[str], None], *, refresh: bool) -> None:
        self._store = store
        self._pull = pull
        self._on_line = on_line
        self._refresh = refresh
        self._found: dict[str, Image] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def image(self, name: str) -> Image:
        """The image of that name, waited for when another stage is getting it."""
        with self._lock:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            if name not in self._found:
                self._found[name] = self._get(name)
            return self._found[name]

    def _get(self, name: str) -> Image:
        found = self._store.find(name)
        if found is not None and not self._refresh:
            return found
        suite = parse_reference(name).suite
        if suite:
            from engine.images.debootstrap import ensure_debootstrap  # noqa: PLC0415 - most bases are here

            return ensure_debootstrap(self._store, suite, self._on_line, refresh=self._refresh)
        if found is not None and self._store.origin(name) is None:
            return found  # it was made here: no registry has a newer one
        try:
            return self._pull(self._store, name, self._on_line)
        except ImageError as error:
            if found is None:
                raise
            raise type(error)(error.message, hint=error.hint or "leave --pull out to build on the one here") from error
