"""Containers as `ps` lists them, with the fields that Compose gives them."""

from collections.abc import Iterable

from compose.showing.formats import Row, Shape
from compose.times import date_text, rough_duration
from engine.spec import BindMount, ContainerSpec, VolumeMount
from engine.state import ContainerRecord, ContainerState
from net.spec import PublishedPort

COMMAND_LENGTH = 20
MOUNT_LENGTH = 15
CONTAINERS = Shape(
    columns=("Name", "Image", "Command", "Service", "RunningFor", "Status", "Ports"),
    headers={
        "Annotations": "ANNOTATIONS",
        "Command": "COMMAND",
        "CreatedAt": "CREATED AT",
        "ExitCode": "EXIT CODE",
        "Health": "HEALTH",
        "ID": "CONTAINER ID",
        "Image": "IMAGE",
        "Labels": "LABELS",
        "LocalVolumes": "LOCAL VOLUMES",
        "Mounts": "MOUNTS",
        "Name": "NAME",
        "Names": "NAMES",
        "Networks": "NETWORKS",
        "Ports": "PORTS",
        "Project": "PROJECT",
        "Publishers": "PUBLISHERS",
        "RunningFor": "CREATED",
        "Service": "SERVICE",
        "Size": "SIZE",
        "State": "STATE",
        "Status": "STATUS",
    },
)


_UNKNOWN = -1
"""The exit status of what ended unseen: no program can end with it, and nobody takes it for success."""


def container_rows(records: Iterable[ContainerRecord], *, now_ns: int, whole: bool = False) -> list[Row]:
    """Containers as `ps` shows them; unless `whole`, ids, commands and mounts are cut short."""
    return [container_row(record, now_ns=now_ns, whole=whole) for record in records]


def container_row(record: ContainerRecord, *, now_ns: int, whole: bool = False) -> Row:
    """One of them."""
    spec, state = record.spec, record.state
    created = f"{rough_duration(now_ns - state.created_ns)} ago"
    mounts = _mounts(spec)
    fields = {
        **({"Annotations": spec.annotations} if spec.annotations else {}),
        "Command": command_text(spec.process.argv, whole=whole),
        "CreatedAt": date_text(state.created_ns),
        "ExitCode": _UNKNOWN if state.exit_code is None and state.status == "exited" else state.exit_code or 0,
        "Health": "" if state.health == "none" else state.health,
        "ID": spec.id if whole else spec.id[:12],
        "Image": spec.image_name,
        "Labels": ",".join(f"{key}={value}" for key, value in sorted(spec.labels.items())),
        "LocalVolumes": str(sum(isinstance(mount, VolumeMount) for mount in spec.mounts)),
        "Mounts": ",".join(mounts if whole else (_cut(name, MOUNT_LENGTH) for name in mounts)),
        "Name": spec.name,
        "Names": spec.name,
        "Networks": ",".join(endpoint.network for endpoint in spec.endpoints),
        "Ports": ports_text(record),
        "Project": spec.stack,
        "Publishers": _publishers(record),
        "RunningFor": created,
        "Service": spec.service,
        "Size": "0B",
        "State": state_word(state),
        "Status": status_text(state, now_ns=now_ns),
    }
    return Row(fields, spec.labels)


def state_word(state: ContainerState) -> str:
    """What a container does, in one word."""
    return "paused" if state.paused else state.status


def command_text(argv: tuple[str, ...], *, whole: bool = False) -> str:
    """A command in quotes, cut to 20 characters unless `whole`."""
    text = " ".join(argv)
    if text.count(" ") >= len(argv):  # a word holds spaces
        import shlex  # noqa: PLC0415 - rarely needed

        text = shlex.join(argv)
    text = text if whole else _cut(text, COMMAND_LENGTH)
    if not text.isprintable() or '"' in text or "\\" in text:
        import json  # noqa: PLC0415 - rarely needed

        return json.dumps(text, ensure_ascii=False)
    return f'"{text}"'


def status_text(state: ContainerState, *, now_ns: int) -> str:
    """What a container does and since when ("Up 5 minutes (healthy)")."""
    match state.status:
        case "created":
            return "Created"
        case "running":
            if state.paused:
                return f"Up {rough_duration(now_ns - state.started_ns)} (Paused)"
            health = {"none": "", "starting": " (health: starting)"}.get(state.health, f" ({state.health})")
            return f"Up {rough_duration(now_ns - state.started_ns)}{health}"
        case "exited" | "restarting":
            word = "Exited" if state.status == "exited" else "Restarting"
            code = "unknown" if state.exit_code is None else str(state.exit_code)
            killed = ", out of memory" if state.oom_killed else ""
            since = f" {rough_duration(now_ns - state.finished_ns)} ago" if state.finished_ns else ""
            return f"{word} ({code}{killed}){since}"


def published_ports(record: ContainerRecord) -> tuple[PublishedPort, ...]:
    """The ports that lead to a running container now; none when it does not run."""
    return record.state.ports if record.state.status == "running" else ()


def host_text(port: PublishedPort) -> str:
    """Where a published port is on the host ("0.0.0.0:8080", "[::]:8080")."""
    host = port.host_ip or "0.0.0.0"  # noqa: S104 - what is shown, not what is bound
    return f"[{host}]:{port.host_port}" if ":" in host else f"{host}:{port.host_port}"


def ports_text(record: ContainerRecord) -> str:
    """Published ports, then those that are only exposed ("0.0.0.0:8080->80/tcp, 443/tcp")."""
    texts = [f"{host_text(port)}->{port.container_port}/{port.protocol}" for port in published_ports(record)]
    return ", ".join([*texts, *_only_exposed(record)])


def _publishers(record: ContainerRecord) -> list[dict[str, object]]:
    published: list[dict[str, object]] = [
        {
            "URL": port.host_ip or "0.0.0.0",  # noqa: S104 - what is shown, not what is bound
            "TargetPort": port.container_port,
            "PublishedPort": port.host_port,
            "Protocol": port.protocol,
        }
        for port in published_ports(record)
    ]
    for text in _only_exposed(record):
        ports, _, protocol = text.partition("/")
        number = int(ports.partition("-")[0])
        published.append({"URL": "", "TargetPort": number, "PublishedPort": 0, "Protocol": protocol})
    return published


def _only_exposed(record: ContainerRecord) -> list[str]:
    """The ports of a running container that nothing of the host leads to ("443/tcp")."""
    if record.state.status != "running":
        return []
    led_to = {f"{port.container_port}/{port.protocol}" for port in published_ports(record)}
    return [port for port in record.spec.exposed_ports if port not in led_to]


def _mounts(spec: ContainerSpec) -> list[str]:
    return [
        mount.volume if isinstance(mount, VolumeMount) else mount.source
        for mount in spec.mounts
        if isinstance(mount, VolumeMount | BindMount)
    ]


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
