"""What a container is asked to be: plain values, complete and resolved, that cross process borders as JSON.

Nothing here is looked up again later: names, images and defaults were decided by whoever made the spec.
"""

from typing import Literal

import msgspec

from net.spec import Endpoint, PublishedPort


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """The program to run. `user` is as in Compose: empty (root), a name or id, optionally `:group`.

    `groups` are names or ids of supplementary groups, besides those of the image's group file. With `terminal` it runs
    on a terminal of its own; with `stdin_open` its standard input is kept open for those who attach.
    """

    argv: tuple[str, ...]
    environment: dict[str, str] = {}
    working_directory: str = "/"
    user: str = ""
    groups: tuple[str, ...] = ()
    terminal: bool = False
    stdin_open: bool = False


class BindMount(msgspec.Struct, frozen=True, kw_only=True, tag="bind"):
    """A host file or directory at `target`. `source` is absolute; it is made as a directory only if `create_source`."""

    source: str
    target: str
    read_only: bool = False
    create_source: bool = False
    propagation: Literal["", "private", "rprivate", "shared", "rshared", "slave", "rslave"] = ""
    recursive: Literal["enabled", "disabled", "writable", "readonly"] = "enabled"


class VolumeMount(msgspec.Struct, frozen=True, kw_only=True, tag="volume"):
    """A named volume (by its full name) at `target`; a new one is filled from the image unless `no_copy`.

    `subpath` is an existing directory or file below the volume's root.
    """

    volume: str
    target: str
    read_only: bool = False
    no_copy: bool = False
    subpath: str = ""
    labels: dict[str, str] = {}
    driver_options: dict[str, str] = {}


class TmpfsMount(msgspec.Struct, frozen=True, kw_only=True, tag="tmpfs"):
    """An empty file system in memory at `target`.

    `size_bytes` and `inodes` 0 mean the kernel's default. `uid` and `gid` are the container's.
    """

    target: str
    size_bytes: int = 0
    mode: int = 0o1777
    read_only: bool = False
    executable: bool = False
    uid: int = 0
    gid: int = 0
    inodes: int = 0


class ImageMount(msgspec.Struct, frozen=True, kw_only=True, tag="image"):
    """Another image's files at `target`, read-only: its layers' diff ids, base first; `subpath` below its root."""

    image_id: str
    layers: tuple[str, ...]
    target: str
    subpath: str = ""


class FileMount(msgspec.Struct, frozen=True, kw_only=True, tag="file"):
    """A config or secret: a file in memory with the content that the stack keeps under `digest` ("sha256:...").

    `uid` and `gid` are the container's. `kind` and `name` say what it is, for messages and plans.
    """

    target: str
    digest: str
    kind: Literal["config", "secret"]
    name: str
    uid: int = 0
    gid: int = 0
    mode: int = 0o444


Mount = BindMount | VolumeMount | TmpfsMount | ImageMount | FileMount


class BlockLimit(msgspec.Struct, frozen=True, kw_only=True):
    """A rate or weight for the block device at `path` of the host."""

    path: str
    value: int


class BlockLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Shares and rates (a second) of block devices; `weight` 0 is the default."""

    weight: int = 0
    weight_device: tuple[BlockLimit, ...] = ()
    read_bytes: tuple[BlockLimit, ...] = ()
    read_operations: tuple[BlockLimit, ...] = ()
    write_bytes: tuple[BlockLimit, ...] = ()
    write_operations: tuple[BlockLimit, ...] = ()


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Upper bounds and shares. `None` is no limit, but for `pids`, where it is the engine's default and -1 no limit.

    `swap_bytes` is of memory and swap together, as in Docker; -1 is no limit. `cpu_shares` is of 1024, as in Docker.
    """

    memory_bytes: int | None = None
    cpus: float | None = None
    pids: int | None = None
    memory_reservation_bytes: int | None = None
    swap_bytes: int | None = None
    swappiness: int | None = None
    oom_kill_disable: bool = False
    cpu_shares: int | None = None
    cpu_quota_us: int | None = None
    cpu_period_us: int | None = None
    cpuset: str = ""
    block: BlockLimits = BlockLimits()


class ResourceLimit(msgspec.Struct, frozen=True, kw_only=True):
    """One limit of setrlimit(2) by its lower case name ("nofile"); -1 is no limit."""

    name: str
    soft: int
    hard: int


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device node of the host's at `target`; `permissions` is of r, w and m (mknod)."""

    source: str
    target: str
    permissions: str = "rwm"


class Confinement(msgspec.Struct, frozen=True, kw_only=True):
    """How far a container's programs are kept from the host.

    `seccomp` is empty (the engine's filter), "unconfined", or a profile's JSON text. `privileged` is all capabilities
    of the container's user namespace, no filter unless one is named, no masked or locked paths, all the host's
    devices. `unmasked` leaves the kernel's files open, `mask` hides more of them, `unmask` shows some.
    `device_rules` are as in Compose ("c 13:* rwm").
    """

    privileged: bool = False
    no_new_privileges: bool = False
    seccomp: str = ""
    unmasked: bool = False
    mask: tuple[str, ...] = ()
    unmask: tuple[str, ...] = ()
    devices: tuple[Device, ...] = ()
    device_rules: tuple[str, ...] = ()


class Namespaces(msgspec.Struct, frozen=True, kw_only=True):
    """Which namespaces a container shares: empty is its own, "host" the host's, "container:<name>" a container's.

    That one is of the same stack, and found by its name at every start.
    `network` may also be "none" (its own, with loopback alone), `ipc` "shareable" or "none".
    """

    network: str = ""
    pid: str = ""
    ipc: str = ""
    uts: str = ""
    cgroup: str = ""
    user: str = ""

    @property
    def own_network(self) -> bool:
        """Whether the container has a network namespace of its own."""
        return self.network in ("", "none")

    @property
    def own_users(self) -> bool:
        """Whether it has a user namespace of its own, not that of the one whose processes or memory it shares."""
        return not self.user and not self.pid.startswith("container:") and not self.ipc.startswith("container:")

    @property
    def owners(self) -> tuple[str, ...]:
        """The names of the containers whose namespaces it shares."""
        wishes = (self.network, self.pid, self.ipc, self.uts, self.cgroup)
        return tuple(wish.removeprefix("container:") for wish in wishes if wish.startswith("container:"))


class Resolver(msgspec.Struct, frozen=True, kw_only=True):
    """Name resolution beyond the stack's own: empty tuples mean what the host says.

    `hosts` are (name, address); "host-gateway" stands for the host's address as the container sees it.
    """

    servers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    hosts: tuple[tuple[str, str], ...] = ()
    domain: str = ""


class LogOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a container's output is kept: files of at most `max_bytes` (0: any size), at most `max_files`.

    Not `kept`, it is read and thrown away.
    """

    kept: bool = True
    max_bytes: int = 10 << 20
    max_files: int = 5


class HealthProbe(msgspec.Struct, frozen=True, kw_only=True):
    """A command run inside the container: exit status 0 is healthy. All times in seconds."""

    argv: tuple[str, ...]
    interval_seconds: float = 30.0
    timeout_seconds: float = 30.0
    start_period_seconds: float = 0.0
    start_interval_seconds: float = 0.0
    retries: int = 3


class Hook(msgspec.Struct, frozen=True, kw_only=True):
    """A program to run inside a container at a turn of its life; what is empty is as for the container's own.

    `per_replica` is for those that run before a start: once for each replica. So are the image and its layers, where
    it is not the container's own; the environment and all else is complete then.
    """

    argv: tuple[str, ...]
    user: str = ""
    privileged: bool = False
    working_directory: str = ""
    environment: dict[str, str] = {}
    per_replica: bool = False
    image_id: str = ""
    image_name: str = ""
    layers: tuple[str, ...] = ()


class RestartPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When a container that ended is started again; `max_retries` 0 means without end.

    `delay_seconds` None grows with each attempt. A run of `window_seconds` (None: 10) makes a restart a success.
    """

    condition: Literal["no", "always", "on-failure", "unless-stopped"] = "no"
    max_retries: int = 0
    delay_seconds: float | None = None
    window_seconds: float | None = None


class ContainerSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One container of a stack.

    `id` is 64 hexadecimal digits, `name` unique in the stack, `number` the replica's number from 1.
    `layers` are diff ids ("sha256:..."), base first; `image_id` names the image that they and the defaults came from.
    `links` pairs an alias with the name of the service it stands for, for this container alone.
    With `remove_at_end` it goes when it ends.
    `stop_signal` is a signal's name with SIG. `labels` hold what Compose's tools expect (com.docker.compose.*).
    `pre_start` is run by whoever makes containers, before the first start, in containers of their own.
    `post_start` runs before a start counts as done, `pre_stop` before the stop signal is sent; in order, and only as
    long as each ends with 0.
    `on_unhealthy` says what becomes of a container whose health check fails.
    `config_hash` is what decides whether the container still is what the file asks for. `previous` is what the
    container was before its last change, itself without a previous one.
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
    annotations: dict[str, str] = {}
    confinement: Confinement = Confinement()
    namespaces: Namespaces = Namespaces()
    resolver: Resolver = Resolver()
    resource_limits: tuple[ResourceLimit, ...] = ()
    sysctls: dict[str, str] = {}
    oom_score_adjustment: int | None = None
    cgroup_parent: str = ""
    shm_bytes: int | None = None
    storage_bytes: int | None = None
    log: LogOptions = LogOptions()
    pre_start: tuple[Hook, ...] = ()
    post_start: tuple[Hook, ...] = ()
    pre_stop: tuple[Hook, ...] = ()
    on_unhealthy: Literal["", "restart"] = ""
    previous: "ContainerSpec | None" = None
    remove_at_end: bool = False

    @property
    def one_off(self) -> bool:
        """Whether it was made by `run`: then it answers to no name of its service."""
        return self.labels.get("com.docker.compose.oneoff") == "True"

    @property
    def port_group(self) -> str:
        """Those that share host ports with it: the containers of its service, nobody for one made by `run`."""
        return "" if self.one_off else self.service
