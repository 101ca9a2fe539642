"""Containers as `ps` lists them: a table, or JSON lines with the keys that Compose uses."""

from collections.abc import Iterable
from typing import Any

import msgspec

from compose.tables import table
from compose.times import date_text, rough_duration
from engine.spec import BindMount, VolumeMount
from engine.state import ContainerRecord, ContainerState
from net.spec import PublishedPort

COMMAND_LENGTH = 20
HEADER = ("NAME", "IMAGE", "COMMAND", "SERVICE", "CREATED", "STATUS", "PORTS")


def containers_table(records: Iterable[ContainerRecord], *, now_ns: int) -> str:
    """The table that `ps` prints, with its header."""
    return table(
        HEADER,
        [
            (
                record.spec.name,
                record.spec.image_name,
                command_text(record.spec.process.argv),
                record.spec.service,
                f"{rough_duration(now_ns - record.state.created_ns)} ago",
                status_text(record.state, now_ns=now_ns),
                ports_text(record),
            )
            for record in records
        ],
    )


def containers_json(records: Iterable[ContainerRecord], *, now_ns: int) -> str:
    """One JSON object a line."""
    return "".join(msgspec.json.encode(container_values(record, now_ns=now_ns)).decode() + "\n" for record in records)


def container_values(record: ContainerRecord, *, now_ns: int) -> dict[str, Any]:
    """A container as `ps --format json` shows it."""
    spec, state = record.spec, record.state
    return {
        **({"Annotations": spec.annotations} if spec.annotations else {}),
        "Command": command_text(spec.process.argv),
        "CreatedAt": date_text(state.created_ns),
        "ExitCode": state.exit_code or 0,
        "Health": "" if state.health == "none" else state.health,
        "ID": spec.id[:12],
        "Image": spec.image_name,
        "Labels": ",".join(f"{key}={value}" for key, value in sorted(spec.labels.items())),
        "Mounts": ",".join(
            mount.volume if isinstance(mount, VolumeMount) else mount.source
            for mount in spec.mounts
            if isinstance(mount, VolumeMount | BindMount)
        ),
        "Name": spec.name,
        "Names": spec.name,
        "Networks": ",".join(endpoint.network for endpoint in spec.endpoints),
        "Ports": ports_text(record),
        "Project": spec.stack,
        "Publishers": [
            {
                "URL": port.host_ip or "0.0.0.0",  # noqa: S104 - what is shown, not what is bound
                "TargetPort": port.container_port,
                "PublishedPort": port.host_port,
                "Protocol": port.protocol,
            }
            for port in published_ports(record)
        ],
        "RunningFor": f"{rough_duration(now_ns - state.created_ns)} ago",
        "Service": spec.service,
        "Size": "0B",
        "State": "paused" if state.paused else state.status,
        "Status": status_text(state, now_ns=now_ns),
    }


def command_text(argv: tuple[str, ...]) -> str:
    """A command in quotes, cut to 20 characters."""
    text = " ".join(argv)
    if text.count(" ") >= len(argv):  # a word holds spaces
        import shlex  # noqa: PLC0415 - rarely needed

        text = shlex.join(argv)
    if len(text) > COMMAND_LENGTH:
        text = text[: COMMAND_LENGTH - 1] + "…"
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


def ports_text(record: ContainerRecord) -> str:
    """Published ports, then those that are only exposed ("0.0.0.0:8080->80/tcp, 443/tcp")."""
    if record.state.status != "running":
        return ""
    published = published_ports(record)
    texts = [
        f"{port.host_ip or '0.0.0.0'}:{port.host_port}->{port.container_port}/{port.protocol}"  # noqa: S104
        for port in published
    ]
    led_to = {f"{port.container_port}/{port.protocol}" for port in published}
    texts.extend(port for port in record.spec.exposed_ports if port not in led_to)
    return ", ".join(texts)
