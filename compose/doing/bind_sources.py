"""Looks, before anything is made, whether the sources of bind mounts are there on the host."""

import os
from collections.abc import Iterable, Iterator
from pathlib import PurePath

from compose import codes
from compose.errors import Problem
from compose.model import Mount, Service, Stack

_FILES = frozenset(
    (
        ".cert",
        ".cfg",
        ".cnf",
        ".conf",
        ".config",
        ".crt",
        ".css",
        ".csv",
        ".env",
        ".gz",
        ".html",
        ".htpasswd",
        ".ini",
        ".js",
        ".json",
        ".key",
        ".list",
        ".lua",
        ".md",
        ".pem",
        ".php",
        ".properties",
        ".pub",
        ".py",
        ".rb",
        ".rules",
        ".sh",
        ".sock",
        ".sql",
        ".tar",
        ".template",
        ".tmpl",
        ".toml",
        ".ts",
        ".txt",
        ".xml",
        ".yaml",
        ".yml",
        ".zip",
    )
)


def missing_sources(stack: Stack, services: Iterable[Service]) -> tuple[Problem, ...]:
    """A problem for every source that is missing and will not, or should not, be made as a directory.

    What is called like a file, in the source and inside, was hardly meant to become an empty directory.
    """
    return tuple(
        Problem(stack.place("services", service.name, "volumes", index), *told)
        for service in services
        for index, mount in enumerate(service.mounts)
        if mount.type == "bind" and not os.path.lexists(mount.source)
        for told in _why_not(service, mount)
    )


def _why_not(service: Service, mount: Mount) -> Iterator[tuple[str, str, str]]:
    """Message, hint and code, if the source is not to be made."""
    missing = f"services.{service.name} mounts {mount.source}, which does not exist"
    if not mount.create_host_path:
        yield missing, "create it, or write `bind: {create_host_path: true}`", codes.UNDEFINED
        return
    ending = _ending(mount.source)
    if ending not in _FILES or _ending(mount.target) != ending:
        return
    hint = "create the file, or a directory of that name if it is meant to be one"
    if mount.source.endswith("docker.sock"):
        hint = "windlass is no daemon and has no such socket: services that want Docker's API need Docker"
    yield f"{missing} and is called like a file", hint, codes.UNDEFINED


def _ending(path: str) -> str:
    """What a name ends with, or all of one such as .env."""
    name = PurePath(path)
    return (name.suffix or name.name).lower()
