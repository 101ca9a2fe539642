"""What a service's `build` asks the engine for."""

import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from compose.decoding.builds import DOCKER_IMAGE, SERVICE
from compose.errors import StackError
from compose.model import Build

if TYPE_CHECKING:
    from engine.dockerfiles.requests import BuildRequest, NamedContext

EPOCH: Final = "SOURCE_DATE_EPOCH"


class BuildFlags(NamedTuple):
    """What a command asks of all its builds, over what the file says.

    `args` without a value take the environment's; `ssh` are "id" or "id=socket"; `memory_bytes` limits each command.
    """

    no_cache: bool = False
    pull: bool = False
    args: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()
    memory_bytes: int | None = None


def request_for(
    build: Build,
    tag: str,
    *,
    environment: Mapping[str, str],
    image_of: Callable[[str], str],
    secrets: Mapping[str, bytes] | None = None,
    flags: BuildFlags = BuildFlags(),  # noqa: B008 -- it never changes
) -> "BuildRequest":
    """The request that builds an image of that name.

    `environment` is the user's, `image_of` names a service's image, `secrets` are contents by the file's keys.
    """
    from engine.dockerfiles.requests import BuildRequest, Sandbox  # noqa: PLC0415 - only where images are built
    from engine.spec import ResourceLimit  # noqa: PLC0415 - likewise

    args = _arguments(build, environment, flags)
    return BuildRequest(
        context=Path(build.context),
        tag=tag,
        dockerfile=build.dockerfile,
        inline=build.dockerfile_inline,
        args=args,
        target=build.target,
        no_cache=build.no_cache or flags.no_cache,
        fresh_stages=frozenset(name.lower() for name in build.no_cache_filter),
        refresh=build.pull or flags.pull,
        labels=build.labels,
        tags=build.tags,
        contexts={name: _context(place, image_of) for name, place in build.contexts.items()},
        secrets={name: (secrets or {})[key] for name, key in build.secrets if key in (secrets or {})},
        agents=_agents(build, environment, flags) if secrets is not None else {},
        sandbox=Sandbox(
            network="none" if build.network == "none" else "host" if build.network == "host" else "default",
            hosts=build.extra_hosts,
            shm_bytes=build.shm_size_bytes,
            limits=tuple(ResourceLimit(name=limit.name, soft=limit.soft, hard=limit.hard) for limit in build.ulimits),
            memory_bytes=flags.memory_bytes,
            privileged=build.privileged,
            entitlements=frozenset(build.entitlements),
        ),
        epoch=_epoch(args.get(EPOCH, "")),
    )


def _arguments(build: Build, environment: Mapping[str, str], flags: BuildFlags) -> dict[str, str]:
    args = {name: value for name, value in build.args.items() if value is not None}
    for text in flags.args:
        name, equals, value = text.partition("=")
        if equals or name in environment:
            args[name] = value if equals else environment[name]
    if environment.get(EPOCH):
        args.setdefault(EPOCH, environment[EPOCH])
    return args


def _context(place: str, image_of: Callable[[str], str]) -> "NamedContext":
    from engine.dockerfiles.requests import NamedContext  # noqa: PLC0415 - only where images are built

    if place.startswith(DOCKER_IMAGE):
        return NamedContext(image=place.removeprefix(DOCKER_IMAGE))
    if place.startswith(SERVICE):
        return NamedContext(image=image_of(place.removeprefix(SERVICE)))
    return NamedContext(directory=Path(place))


def _agents(build: Build, environment: Mapping[str, str], flags: BuildFlags) -> dict[str, Path]:
    """The sockets of SSH agents by their ids."""
    wanted = dict(build.ssh) | {name: path for name, _, path in (text.partition("=") for text in flags.ssh)}
    found = {}
    for name, written in wanted.items():
        path = written or environment.get("SSH_AUTH_SOCK", "")
        if not path:
            message = f"the build wants the SSH agent '{name}', and SSH_AUTH_SOCK names none"
            raise StackError(message, hint="start one (ssh-agent), or name its socket: --ssh default=/path")
        try:
            is_socket = stat.S_ISSOCK(Path(path).stat().st_mode)
        except OSError as error:
            raise StackError(f"the SSH agent's socket {path} cannot be used: {error.strerror}") from None
        if not is_socket:
            message = f"{path} is no socket of an SSH agent: windlass hands no keys to builds itself"
            raise StackError(message, hint=f"give it to an agent: ssh-add {path}")
        found[name] = Path(path)
    return found


def _epoch(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        hint = "for example that of the last commit: git log -1 --format=%ct"
        raise StackError(f"{EPOCH} is '{text}', which is no number of seconds", hint=hint)
    return int(text)
