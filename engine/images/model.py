"""An image as containers use it: its configuration and its layers."""

import msgspec


class ImageHealth(msgspec.Struct, frozen=True, kw_only=True):
    """A Dockerfile's HEALTHCHECK. `argv` as in Compose's `test` list: NONE, CMD or CMD-SHELL first."""

    argv: tuple[str, ...]
    interval_seconds: float | None = None
    timeout_seconds: float | None = None
    start_period_seconds: float | None = None
    start_interval_seconds: float | None = None
    retries: int | None = None


class ImageConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What containers of an image run unless told otherwise (the OCI image configuration's `config`).

    `on_build` are instructions for Dockerfiles that build on it.
    """

    environment: dict[str, str] = {}
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    working_directory: str = "/"
    user: str = ""
    labels: dict[str, str] = {}
    exposed_ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    stop_signal: str = ""
    shell: tuple[str, ...] = ("/bin/sh", "-c")
    health: ImageHealth | None = None
    on_build: tuple[str, ...] = ()


class LayerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a layer from having read it once.

    `size_bytes` is the sum of its files' sizes, `highest_id` the highest user or group id that owns one of its files.
    `privileged_files`: a file is setuid or setgid, or has capabilities. `elf32`: a program for a 32-bit processor.
    """

    size_bytes: int = 0
    entries: int = 0
    highest_id: int = 0
    privileged_files: bool = False
    elf32: bool = False


class HistoryEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One step of what made an image; an `empty` one added no layer. What is not known is empty or 0."""

    created_by: str = ""
    created_ns: int = 0
    author: str = ""
    comment: str = ""
    empty: bool = False


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """One image: `id` is the sha256 of its configuration ("sha256:..."), `layers` its diff ids, base first.

    A layer may stand twice among them. `history` says what made it, a step each.
    """

    id: str
    created_ns: int
    architecture: str
    config: ImageConfig
    layers: tuple[str, ...]
    size_bytes: int = 0
    history: tuple[HistoryEntry, ...] = ()


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a name's image came from: the digest that its registry had under the name when it was last asked."""

    digest: str
    checked_ns: int
