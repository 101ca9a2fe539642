"""A stack as its files describe it: typed, complete, with every default of Compose filled in.

What an image decides stays open here: None or empty means "as the image says".
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from compose.errors import Problem
from compose.limits import Blkio, Ulimit
from compose.nodes import Node
from compose.places import Place

Path = tuple[str | int, ...]
Condition = Literal["service_started", "service_healthy", "service_completed_successfully"]


class Build(msgspec.Struct, frozen=True, kw_only=True):
    """How to build a service's image. `context` is absolute; `dockerfile` relative to it unless absolute.

    `contexts` are what names in the Dockerfile stand for: an absolute path, "docker-image://NAME" or "service:NAME".
    `secrets` are (id, key of the file's secrets), `ssh` (id, path or empty for the user's own agent).
    """

    context: str
    dockerfile: str = "Dockerfile"
    dockerfile_inline: str | None = None
    args: dict[str, str | None] = {}
    target: str = ""
    labels: dict[str, str] = {}
    tags: tuple[str, ...] = ()
    no_cache: bool = False
    no_cache_filter: tuple[str, ...] = ()
    pull: bool = False
    contexts: dict[str, str] = {}
    secrets: tuple[tuple[str, str], ...] = ()
    ssh: tuple[tuple[str, str], ...] = ()
    network: str = ""
    extra_hosts: tuple[tuple[str, str], ...] = ()
    shm_size_bytes: int | None = None
    ulimits: tuple[Ulimit, ...] = ()
    privileged: bool = False
    entitlements: tuple[str, ...] = ()

    @property
    def needs(self) -> tuple[str, ...]:
        """The services whose images have to be built first."""
        return tuple(place.removeprefix("service:") for place in self.contexts.values() if place.startswith("service:"))


class Port(msgspec.Struct, frozen=True, kw_only=True):
    """A published port. `published` is empty (any free one), a port or a range "8000-8005" to choose one from.

    Replicas share a port of mode `ingress`, not one of mode `host`.
    """

    target: int
    published: str = ""
    host_ip: str = ""
    protocol: Literal["tcp", "udp"] = "tcp"
    mode: Literal["ingress", "host"] = "ingress"


class Mount(msgspec.Struct, frozen=True, kw_only=True):
    """A mount of a service.

    `source` is a key of `Stack.volumes` (volume; empty: anonymous), an absolute path (bind), an image's name (image) or
    empty (tmpfs). `subpath` is relative to the volume's or image's root. `propagation` is mount(2)'s word, or empty.
    """

    type: Literal["volume", "bind", "tmpfs", "image"]
    target: str
    source: str = ""
    read_only: bool = False
    no_copy: bool = False
    create_host_path: bool = True
    tmpfs_size_bytes: int = 0
    tmpfs_mode: int = 0o1777
    tmpfs_executable: bool = False
    tmpfs_uid: int = 0
    tmpfs_gid: int = 0
    tmpfs_inodes: int = 0
    subpath: str = ""
    propagation: str = ""
    recursive: Literal["enabled", "disabled", "writable", "readonly"] = "enabled"
    labels: dict[str, str] = {}


class VolumesFrom(msgspec.Struct, frozen=True, kw_only=True):
    """The mounts of another service, or of a container by its name (then `container` holds it)."""

    service: str = ""
    container: str = ""
    read_only: bool = False


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """A config or secret that a service gets: `source` is its key, `target` absolute, `mode` the bits."""

    source: str
    target: str
    uid: int = 0
    gid: int = 0
    mode: int = 0o444


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device of the host's that a service gets; `permissions` is of r, w and m."""

    source: str
    target: str
    permissions: str = "rwm"


class Logging(msgspec.Struct, frozen=True, kw_only=True):
    """Where a service's output goes; `options` are the driver's, as written."""

    driver: str = ""
    options: dict[str, str] = {}


class RestartPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """deploy.restart_policy; None where the file says nothing."""

    condition: Literal["none", "on-failure", "any"] = "any"
    delay_seconds: float | None = None
    max_attempts: int | None = None
    window_seconds: float | None = None


class Hook(msgspec.Struct, frozen=True, kw_only=True):
    """A program to run in a service's containers at a turn of their lives; what is empty is as for the service.

    With an `image` of its own, an empty command is the image's.
    """

    command: tuple[str, ...]
    user: str = ""
    privileged: bool = False
    working_dir: str = ""
    environment: dict[str, str] = {}
    per_replica: bool = False
    image: str = ""


class Trigger(msgspec.Struct, frozen=True, kw_only=True):
    """What `watch` does when files below `path` (absolute) change: those of `include` (empty: all), not of `ignore`."""

    path: str
    action: Literal["rebuild", "sync", "restart", "sync+restart", "sync+exec"]
    target: str = ""
    ignore: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    hook: Hook | None = None
    initial_sync: bool = False


class UpdatePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How replicas are replaced by new ones: so many at a time (0: all), with a pause between.

    A new one fails if it does not get ready, or ends or is unhealthy within `monitor_seconds`; a share of
    `max_failure_ratio` may.
    """

    parallelism: int = 1
    delay_seconds: float = 0.0
    failure_action: Literal["pause", "continue", "rollback"] = "pause"
    monitor_seconds: float = 0.0
    max_failure_ratio: float = 0.0
    order: Literal["stop-first", "start-first"] = "stop-first"


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
    start_interval_seconds: float | None = None
    retries: int | None = None
    disable: bool = False


class ServiceNetwork(msgspec.Struct, frozen=True, kw_only=True):
    """A service's attachment: `network` is a key of `Stack.networks`."""

    network: str
    aliases: tuple[str, ...] = ()
    ipv4_address: str = ""
    ipv6_address: str = ""
    link_local_ips: tuple[str, ...] = ()
    mac_address: str = ""
    interface_name: str = ""
    driver_opts: dict[str, str] = {}
    priority: int = 0
    gw_priority: int = 0


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """One service. `command` and `entrypoint` None mean the image's; empty mean none at all.

    `environment` holds env_file's values below the service's own, already resolved; None values were dropped.
    `links` are (alias, service), `external_links` (alias, container). `restart` is as in Compose ("no", "always",
    "unless-stopped", "on-failure[:N]"). `network_mode`, `pid`, `ipc`, `uts`, `cgroup`, `userns_mode` are the file's
    words ("host", "service:web"); empty is a namespace of its own. `extra_hosts` are (name, address or "host-gateway").
    Sizes are bytes, times microseconds where a key's name says so; None or empty is the engine's default.
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
    # what its programs may and may not
    privileged: bool = False
    security_opt: tuple[str, ...] = ()
    group_add: tuple[str, ...] = ()
    devices: tuple[Device, ...] = ()
    device_cgroup_rules: tuple[str, ...] = ()
    sysctls: dict[str, str] = {}
    ulimits: tuple[Ulimit, ...] = ()
    tty: bool = False
    stdin_open: bool = False
    pid: str = ""
    ipc: str = ""
    uts: str = ""
    cgroup: str = ""
    userns_mode: str = ""
    # its share of the machine
    cgroup_parent: str = ""
    cpu_shares: int | None = None
    cpu_quota_us: int | None = None
    cpu_period_us: int | None = None
    cpuset: str = ""
    mem_reservation_bytes: int | None = None
    memswap_limit_bytes: int | None = None
    mem_swappiness: int | None = None
    oom_kill_disable: bool = False
    oom_score_adj: int | None = None
    blkio: Blkio | None = None
    # its files
    configs: tuple[Grant, ...] = ()
    secrets: tuple[Grant, ...] = ()
    volumes_from: tuple[VolumesFrom, ...] = ()
    shm_size_bytes: int | None = None
    storage_opt: dict[str, str] = {}
    logging: Logging | None = None
    annotations: dict[str, str] = {}
    on_unhealthy: Literal["", "restart"] = ""
    platform: str = ""
    pull_policy: str = ""
    runtime: str = ""
    attach: bool = True
    restart_policy: RestartPolicy | None = None
    pre_start: tuple[Hook, ...] = ()
    post_start: tuple[Hook, ...] = ()
    pre_stop: tuple[Hook, ...] = ()
    watch: tuple[Trigger, ...] = ()
    update: UpdatePolicy | None = None
    rollback: UpdatePolicy | None = None
    # its network
    network_mode: str = ""
    mac_address: str = ""
    domainname: str = ""
    dns: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    dns_opt: tuple[str, ...] = ()
    extra_hosts: tuple[tuple[str, str], ...] = ()
    external_links: tuple[tuple[str, str], ...] = ()


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """A network: `name` is its full name; an `external` one must exist already.

    `subnet`, `gateway`, `ip_range` are of IPv4, those with 6 of IPv6. `aux_addresses` are never given to a container.
    """

    key: str
    name: str
    internal: bool = False
    subnet: str = ""
    gateway: str = ""
    labels: dict[str, str] = {}
    external: bool = False
    driver: str = ""
    driver_opts: dict[str, str] = {}
    ip_range: str = ""
    aux_addresses: tuple[str, ...] = ()
    ipv4: bool = True
    ipv6: bool = False
    subnet6: str = ""
    gateway6: str = ""


class Volume(msgspec.Struct, frozen=True, kw_only=True):
    """A named volume: `name` is its full name; an `external` one must exist already."""

    key: str
    name: str
    external: bool = False
    labels: dict[str, str] = {}
    driver_opts: dict[str, str] = {}


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """A config or secret: where its content comes from; exactly one of the last four says so.

    `content` is the text itself, `environment` a variable's name with its value in `value`, `file` an absolute path.
    """

    key: str
    name: str
    labels: dict[str, str] = {}
    content: str | None = None
    environment: str = ""
    value: str | None = None
    file: str = ""
    external: bool = False


class Stack(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the files say, with the services that the active profiles enable.

    `separator` stands between the parts of a container's or image's name. `disabled` holds the services that no active
    profile enables. `files` are absolute; `directory` is the project's.
    `places` knows where each value stands, by its path in the file (("services", "web", "ports", 0)); a path that is
    missing stands where its nearest parent does. `warnings` are for the user to see once. `obstacles` are what cannot
    be served yet: `config` shows such a stack, everything that starts something refuses it. `document` is what the
    files say, merged and with nothing left to guess, from which `config` is printed. `variables` are those that files
    may use: the environment over `env_files` (absolute; .env if nothing else is said), the last of which wins.
    """

    name: str
    directory: str
    files: tuple[str, ...]
    separator: str = "-"
    services: dict[str, Service]
    networks: dict[str, Network]
    volumes: dict[str, Volume]
    disabled: dict[str, Service] = {}
    places: Mapping[Path, Place] = {}
    configs: dict[str, Content] = {}
    secrets: dict[str, Content] = {}
    warnings: tuple[Problem, ...] = ()
    obstacles: tuple[Problem, ...] = ()
    variables: Mapping[str, str] = {}
    env_files: tuple[str, ...] = ()
    document: Node | None = None

    def place(self, *path: str | int) -> Place:
        """The place of a value or of its nearest parent that stands in a file."""
        for length in range(len(path), -1, -1):
            found = self.places.get(path[:length])
            if found is not None:
                return found
        return Place(self.files[0] if self.files else "-")
