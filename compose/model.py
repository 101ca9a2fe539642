"""A stack as its files describe it: typed, complete, with every default of Compose filled in.

What an image decides stays open here: None or empty means "as the image says".
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from compose.nodes import Node
from compose.places import Place

Path = tuple[str | int, ...]
Condition = Literal["service_started", "service_healthy", "service_completed_successfully"]


class Build(msgspec.Struct, frozen=True, kw_only=True):
    """How to build a service's image. `context` is absolute; `dockerfile` relative to it unless absolute."""

    context: str
    dockerfile: str = "Dockerfile"
    args: dict[str, str | None] = {}
    target: str = ""


class Port(msgspec.Struct, frozen=True, kw_only=True):
    """A published port. `published` is empty (any free one), a port or a range "8000-8005" to choose one from."""

    target: int
    published: str = ""
    host_ip: str = ""
    protocol: Literal["tcp", "udp"] = "tcp"


class Mount(msgspec.Struct, frozen=True, kw_only=True):
    """A mount of a service.

    `source` is a key of `Stack.volumes` (volume; empty: anonymous), an absolute path (bind) or empty (tmpfs).
    """

    type: Literal["volume", "bind", "tmpfs"]
    target: str
    source: str = ""
    read_only: bool = False
    no_copy: bool = False
    create_host_path: bool = True
    tmpfs_size_bytes: int = 0
    tmpfs_mode: int = 0o1777
    tmpfs_executable: bool = False


class Dependency(msgspec.Struct, frozen=True, kw_only=True):
    """Another service that comes first."""

    service: str
    condition: Condition = "service_started"
    required: bool = True
    restart: bool = False


class Healthcheck(msgspec.Struct, frozen=True, kw_only=True):
    """`test` is a list that begins with NONE, CMD or CMD-SHELL; empty: the image's. None: the image's, then default."""

    test: tuple[str, ...] = ()
    interval_seconds: float | None = None
    timeout_seconds: float | None = None
    start_period_seconds: float | None = None
    retries: int | None = None
    disable: bool = False


class ServiceNetwork(msgspec.Struct, frozen=True, kw_only=True):
    """A service's attachment: `network` is a key of `Stack.networks`."""

    network: str
    aliases: tuple[str, ...] = ()
    ipv4_address: str = ""


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """One service. `command` and `entrypoint` None mean the image's; empty mean none at all.

    `environment` holds env_file's values below the service's own, already resolved; None values were dropped.
    `links` are (alias, service). `restart` is as in Compose ("no", "always", "unless-stopped", "on-failure[:N]").
    """

    name: str
    image: str = ""
    build: Build | None = None
    container_name: str = ""
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    environment: dict[str, str] = {}
    working_dir: str = ""
    user: str = ""
    hostname: str = ""
    labels: dict[str, str] = {}
    ports: tuple[Port, ...] = ()
    expose: tuple[str, ...] = ()
    networks: tuple[ServiceNetwork, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    mounts: tuple[Mount, ...] = ()
    depends_on: tuple[Dependency, ...] = ()
    healthcheck: Healthcheck | None = None
    restart: str = "no"
    stop_signal: str = ""
    stop_grace_period_seconds: float | None = None
    init: bool = False
    read_only: bool = False
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    mem_limit_bytes: int | None = None
    cpus: float | None = None
    pids_limit: int | None = None
    replicas: int = 1
    profiles: tuple[str, ...] = ()


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """A network: `name` is its full name. `external` ones are not supported yet."""

    key: str
    name: str
    internal: bool = False
    subnet: str = ""
    gateway: str = ""
    labels: dict[str, str] = {}


class Volume(msgspec.Struct, frozen=True, kw_only=True):
    """A named volume: `name` is its full name; an `external` one must exist already."""

    key: str
    name: str
    external: bool = False
    labels: dict[str, str] = {}


class Stack(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the files say, with the services that the active profiles enable.

    `disabled` holds the services that no active profile enables. `files` are absolute; `directory` is the project's.
    `places` knows where each value stands, by its path in the file (("services", "web", "ports", 0)); a path that is
    missing stands where its nearest parent does. `warnings` are for the user to see once. `document` is what the files
    say, merged and with nothing left to guess, from which `config` is printed.
    """

    name: str
    directory: str
    files: tuple[str, ...]
    services: dict[str, Service]
    networks: dict[str, Network]
    volumes: dict[str, Volume]
    disabled: dict[str, Service] = {}
    places: Mapping[Path, Place] = {}
    warnings: tuple[str, ...] = ()
    document: Node | None = None

    def place(self, *path: str | int) -> Place:
        """The place of a value or of its nearest parent that stands in a file."""
        for length in range(len(path), -1, -1):
            found = self.places.get(path[:length])
            if found is not None:
                return found
        return Place(self.files[0] if self.files else "-")
