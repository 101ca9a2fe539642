"""What a build is asked for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple

from engine.spec import ResourceLimit

Network = Literal["default", "none", "host"]

HOST_NETWORK: Final = "network.host"
INSECURE: Final = "security.insecure"


class NamedContext(NamedTuple):
    """What a name in FROM, COPY or a mount stands for: a directory of the host, or an image."""

    directory: Path | None = None
    image: str = ""


class Sandbox(NamedTuple):
    """What is around all commands of a build. `entitlements` are what single ones may ask for."""

    network: Network = "default"
    hosts: tuple[tuple[str, str], ...] = ()
    shm_bytes: int | None = None
    memory_bytes: int | None = None
    limits: tuple[ResourceLimit, ...] = ()
    privileged: bool = False
    entitlements: frozenset[str] = frozenset()


class BuildRequest(NamedTuple):
    """What to build. `dockerfile` is relative to `context` unless absolute; `inline` takes its place, unless None.

    `target` empty means the last stage. `labels` are the image's, over those that the Dockerfile gives it; `tags` are
    further names. `fresh_stages` are not taken from the cache, with `no_cache` none is. `refresh` asks registries for
    the base images even if they are here. `secrets` are contents, `agents` the sockets of SSH agents, by their ids.
    `epoch` are the seconds since 1970 that no file of a new layer is newer than.
    """

    context: Path
    tag: str
    dockerfile: str = "Dockerfile"
    inline: str | None = None
    args: Mapping[str, str] = {}
    target: str = ""
    no_cache: bool = False
    fresh_stages: frozenset[str] = frozenset()
    refresh: bool = False
    labels: Mapping[str, str] = {}
    tags: tuple[str, ...] = ()
    contexts: Mapping[str, NamedContext] = {}
    secrets: Mapping[str, bytes] = {}
    agents: Mapping[str, Path] = {}
    sandbox: Sandbox = Sandbox()
    epoch: int | None = None
