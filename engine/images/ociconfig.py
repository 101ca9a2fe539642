"""An image's configuration as the OCI image specification writes it (JSON with a fixed order of keys)."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import msgspec

from engine.errors import ImageError
from engine.images.model import HistoryEntry, Image, ImageConfig, ImageHealth
from engine.images.places import hexadecimal

_NANOSECONDS = 1_000_000_000
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386", "loongarch64": "loong64"}


class _Health(msgspec.Struct, frozen=True, kw_only=True, rename="pascal", omit_defaults=True):
    """Durations in nanoseconds; 0 means inherited."""

    test: tuple[str, ...] = ()
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0


class _Config(msgspec.Struct, frozen=True, kw_only=True, rename="pascal", omit_defaults=True):
    user: str = ""
    exposed_ports: dict[str, dict[str, Any]] | None = None
    env: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    volumes: dict[str, dict[str, Any]] | None = None
    working_dir: str = ""
    labels: dict[str, str] | None = None
    stop_signal: str = ""
    shell: tuple[str, ...] | None = None
    healthcheck: _Health | None = None
    on_build: tuple[str, ...] | None = None


class _RootFs(msgspec.Struct, frozen=True, kw_only=True):
    type: str = "layers"
    diff_ids: tuple[str, ...] = ()


class _History(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    created: str = ""
    created_by: str = ""
    author: str = ""
    comment: str = ""
    empty_layer: bool = False


class _Document(msgspec.Struct, frozen=True, kw_only=True):
    architecture: str
    os: str
    rootfs: _RootFs
    created: str = ""
    config: _Config | None = None
    history: tuple[_History, ...] | None = None


def host_architecture(machine: str) -> str:
    """The OCI name of a processor that uname(2) calls `machine`."""
    return _ARCHITECTURES.get(machine, machine)


def encode(
    *,
    config: ImageConfig,
    layers: tuple[str, ...],
    created_ns: int,
    architecture: str,
    history: tuple[HistoryEntry, ...] = (),
) -> bytes:
    """The document whose sha256 is the image's id: the same values always give the same bytes."""
    document = _Document(
        architecture=architecture,
        os="linux",
        created=timestamp(created_ns),
        config=_encoded_config(config),
        rootfs=_RootFs(diff_ids=layers),
        history=tuple(_encoded_step(entry) for entry in history) or None,
    )
    return msgspec.json.encode(document, order="sorted")


def decode(document: bytes) -> Image:
    """Reads a document; ImageError when it is damaged or not for Linux. The size stays 0: only the store knows it."""
    try:
        found = msgspec.json.decode(document, type=_Document)
        created_ns = _nanoseconds(found.created)
        history = tuple(_decoded_step(entry) for entry in found.history or ())
    except (msgspec.DecodeError, ValueError) as error:
        raise ImageError(f"an image's configuration cannot be read: {error}") from None
    for diff_id in found.rootfs.diff_ids:
        hexadecimal(diff_id)
    if found.os != "linux":
        raise ImageError(f"the image is made for {found.os}, not for Linux")
    return Image(
        id=digest_of(document),
        created_ns=created_ns,
        architecture=found.architecture,
        config=_decoded_config(found.config or _Config()),
        layers=found.rootfs.diff_ids,
        history=history,
    )


def encode_config(config: ImageConfig) -> dict[str, Any]:
    """What an image's containers run, as a document's `config` has it, keys without a value left out."""
    found: dict[str, Any] = msgspec.to_builtins(_encoded_config(config))
    return found


def timestamp(nanoseconds: int) -> str:
    """A moment as documents have it: RFC 3339 in UTC, with nanoseconds."""
    seconds, rest = divmod(nanoseconds, _NANOSECONDS)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{rest:09}Z"


def digest_of(content: bytes) -> str:
    """The content's name: "sha256:" with 64 hexadecimal digits."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _encoded_step(entry: HistoryEntry) -> _History:
    return _History(
        created=timestamp(entry.created_ns) if entry.created_ns else "",
        created_by=entry.created_by,
        author=entry.author,
        comment=entry.comment,
        empty_layer=entry.empty,
    )


def _decoded_step(entry: _History) -> HistoryEntry:
    return HistoryEntry(
        created_by=entry.created_by,
        created_ns=_nanoseconds(entry.created),
        author=entry.author,
        comment=entry.comment,
        empty=entry.empty_layer,
    )


def _encoded_config(config: ImageConfig) -> _Config:
    return _Config(
        user=config.user,
        exposed_ports={port: {} for port in config.exposed_ports} or None,
        env=tuple(f"{name}={value}" for name, value in config.environment.items()) or None,
        entrypoint=config.entrypoint or None,
        cmd=config.command or None,
        volumes={target: {} for target in config.volumes} or None,
        working_dir=config.working_directory,
        labels=config.labels or None,
        stop_signal=config.stop_signal,
        shell=config.shell if config.shell != ImageConfig().shell else None,
        healthcheck=_encoded_health(config.health) if config.health else None,
        on_build=config.on_build or None,
    )


def _decoded_config(config: _Config) -> ImageConfig:
    return ImageConfig(
        environment=dict(line.partition("=")[::2] for line in config.env or ()),
        entrypoint=config.entrypoint or (),
        command=config.cmd or (),
        working_directory=config.working_dir or "/",
        user=config.user,
        labels=config.labels or {},
        exposed_ports=tuple(config.exposed_ports or ()),
        volumes=tuple(config.volumes or ()),
        stop_signal=config.stop_signal,
        shell=config.shell or ImageConfig().shell,
        health=_decoded_health(config.healthcheck) if config.healthcheck else None,
        on_build=config.on_build or (),
    )


def _encoded_health(health: ImageHealth) -> _Health:
    return _Health(
        test=health.argv,
        interval=round((health.interval_seconds or 0) * _NANOSECONDS),
        timeout=round((health.timeout_seconds or 0) * _NANOSECONDS),
        start_period=round((health.start_period_seconds or 0) * _NANOSECONDS),
        start_interval=round((health.start_interval_seconds or 0) * _NANOSECONDS),
        retries=health.retries or 0,
    )


def _decoded_health(health: _Health) -> ImageHealth:
    return ImageHealth(
        argv=health.test,
        interval_seconds=health.interval / _NANOSECONDS or None,
        timeout_seconds=health.timeout / _NANOSECONDS or None,
        start_period_seconds=health.start_period / _NANOSECONDS or None,
        start_interval_seconds=health.start_interval / _NANOSECONDS or None,
        retries=health.retries or None,
    )


def _nanoseconds(timestamp: str) -> int:
    if not timestamp:
        return 0
    whole, dot, rest = timestamp.partition(".")
    if not dot:
        return int(datetime.fromisoformat(whole).timestamp()) * _NANOSECONDS
    digits = rest.rstrip("Zz").partition("+")[0]
    zone = rest[len(digits) :].upper().replace("Z", "+00:00") or "+00:00"
    seconds = int(datetime.fromisoformat(whole + zone).timestamp())
    return seconds * _NANOSECONDS + int(digits[:9].ljust(9, "0"))
