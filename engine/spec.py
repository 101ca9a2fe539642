"""What a container is asked to be: plain values, complete and resolved, that cross process borders as JSON.

Nothing here is looked up again later: names, images and defaults were decided by whoever made the spec.
"""

from typing import Literal

import msgspec

from net.spec import Endpoint, PublishedPort


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """The program to run. `user` is as in Compose: empty (root), a name or id, optionally `:group`."""

    argv: tuple[str, ...]
    environment: dict[str, str] = {}
    working_directory: str = "/"
    user: str = ""


class BindMount(msgspec.Struct, frozen=True, kw_only=True, tag="bind"):
    """A host file or directory at `target`. `source` is absolute; it is made as a directory only if `create_source`."""

    source: str
    target: str
    read_only: bool = False
    create_source: bool = False


class VolumeMount(msgspec.Struct, frozen=True, kw_only=True, tag="volume"):
    """A named volume (by its full name) at `target`; a new one is filled from the image unless `no_copy`."""

    volume: str
    target: str
    read_only: bool = False
    no_copy: bool = False


class TmpfsMount(msgspec.Struct, frozen=True, kw_only=True, tag="tmpfs"):
    """An empty file system in memory at `target`. `size_bytes` 0 means the kernel's default, `mode` 0o1777."""

    target: str
    size_bytes: int = 0
    mode: int = 0o1777
    read_only: bool = False
    executable: bool = False


Mount = BindMount | VolumeMount | TmpfsMount


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Upper bounds. `None` is no limit, but for `pids`, where it is the engine's default and -1 no limit."""

    memory_bytes: int | None = None
    cpus: float | None = None
    pids: int | None = None


class HealthProbe(msgspec.Struct, frozen=True, kw_only=True):
    """A command run inside the container: exit status 0 is healthy. All times in seconds."""

    argv: tuple[str, ...]
    interval_seconds: float = 30.0
    timeout_seconds: float = 30.0
    start_period_seconds: float = 0.0
    retries: int = 3


class RestartPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When a container that ended is started again; `max_retries` 0 means without end (only for on-failure)."""

    condition: Literal["no", "always", "on-failure", "unless-stopped"] = "no"
    max_retries: int = 0


class ContainerSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One container of a stack.

    `id` is 64 hexadecimal digits, `name` unique in the stack, `number` the replica's number from 1.
    `layers` are diff ids ("sha256:..."), base first; `image_id` names the image that they and the defaults came from.
    `links` pairs an alias with the name of the service it stands for, for this container alone.
    `stop_signal` is a signal's name with SIG. `labels` hold what Compose's tools expect (com.docker.compose.*).
    `config_hash` is what decides whether the container still is what the file asks for.
    """

    id: str
    name: str
    stack: str
    service: str
    number: int
    image_id: str
    image_name: str
    layers: tuple[str, ...]
    process: Process
    hostname: str
    config_hash: str
    mounts: tuple[Mount, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    ports: tuple[PublishedPort, ...] = ()
    exposed_ports: tuple[str, ...] = ()
    limits: Limits = Limits()
    health: HealthProbe | None = None
    restart: RestartPolicy = RestartPolicy()
    stop_signal: str = "SIGTERM"
    stop_grace_seconds: float = 10.0
    init: bool = False
    read_only: bool = False
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    labels: dict[str, str] = {}
