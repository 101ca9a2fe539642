"""Decides which images are pushed: those that services build and name."""

from collections.abc import Iterable

from compose.model import Service


def pushes_of(services: Iterable[Service]) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """The images that are pushed, each once; and what is left out, with the reason."""
    names: dict[str, None] = {}
    skipped: dict[str, str] = {}
    for service in services:
        if not service.image:
            skipped[service.name] = "has no name: give the service an `image`"
        elif not service.build:
            skipped[service.image] = "is not built here"
        else:
            names[service.image] = None
    return tuple(names), tuple((name, reason) for name, reason in skipped.items() if name not in names)
