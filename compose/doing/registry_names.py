"""Registries as people name them on the command line."""

from compose.errors import UsageError
from engine.images.references import DEFAULT_REGISTRY

_ALIASES = frozenset(("", "docker.io", "index.docker.io", "registry-1.docker.io", "index.docker.io/v1"))


def registry_of(written: str) -> str:
    """The registry's name as references have it; a scheme in front, and a slash behind, are left out."""
    name = written.removeprefix("https://").removeprefix("http://").rstrip("/")
    if name in _ALIASES:
        return DEFAULT_REGISTRY
    if "/" in name or "@" in name or not name.isprintable() or " " in name:
        raise UsageError(f"{written!r} is no registry's address", hint="write host or host:port")
    return name
