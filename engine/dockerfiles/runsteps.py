"""Carries out RUN."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from engine.dockerfiles import copying, settings
from engine.dockerfiles.cachemounts import CacheMounts
from engine.dockerfiles.copying import Manner
from engine.dockerfiles.instructions import Command, Run
from engine.dockerfiles.ledger import Place
from engine.dockerfiles.problems import Mistake
from engine.dockerfiles.requests import HOST_NETWORK, INSECURE, Sandbox
from engine.dockerfiles.runmounts import RunMount, read_mount
from engine.dockerfiles.running import SCRIPT_TARGET, Agent, Finished, RunOrder, SecretFile
from engine.dockerfiles.settings import Settings, working_directory
from engine.dockerfiles.site import BuildSite
from engine.dockerfiles.sources import digests, find_sources
from engine.dockerfiles.stages import Origin
from engine.dockerfiles.steps import StepInputs, StepRecord
from engine.dockerfiles.words import expand
from engine.errors import BuildError
from engine.spec import BindMount, ImageMount, Mount, Process, TmpfsMount

_TAIL_LINES = 15
_INDENT = "    "
_UNREACHABLE = ("Could not resolve", "Temporary failure", "nable to connect", "Could not connect", "is unreachable")
_NO_WAY_OUT = "if the host itself can reach that address, `windlass doctor` tells what stands in the containers' way"
_AGENT_TARGET = "/run/windlass/agent"


def run(
    site: BuildSite,
    place: Place,
    instruction: Run,
    state: Settings,
    layers: tuple[str, ...],
    origins: Mapping[str, Origin],
) -> StepRecord:
    """What a command leaves; taken from the cache when it ran before on the same files, with the same variables."""
    step = _Step(site, place, instruction, state, layers, origins)
    return site.ledger.done(place, instruction.text, step.inputs(), step.layer)


class _Mounted(NamedTuple):
    """A mount with what stands behind it; `target` is absolute."""

    wish: RunMount
    target: str
    origin: Origin | None


class _Step:
    def __init__(
        self,
        site: BuildSite,
        place: Place,
        instruction: Run,
        state: Settings,
        layers: tuple[str, ...],
        origins: Mapping[str, Origin],
    ) -> None:
        self._site = site
        self._place = place
        self._instruction = instruction
        self._state = state
        self._layers = layers
        self._sandbox = _sandbox(instruction, site.request.sandbox)
        self._argv, self._script = _program(instruction, state)
        self._mounts = []
        for text in instruction.mounts:
            wish = read_mount(text, lambda word: expand(word, state.variables, site.given.escape))
            target = working_directory(state.config.working_directory, wish.target) if wish.target else ""
            self._mounts.append(_Mounted(wish, target, origins[wish.origin] if wish.origin else None))

    def inputs(self) -> StepInputs:
        config = self._state.config
        return StepInputs(
            kind="run",
            command=(*self._argv, self._script, *self._instruction.mounts),
            layers=self._layers,
            environment=self._state.variables,
            arguments=tuple(sorted(self._state.arguments.keys() - config.environment.keys())),
            working_directory=config.working_directory,
            user=config.user,
            content=self._content(),
            sandbox=_told(self._sandbox),
            epoch=self._site.request.epoch,
        )

    def layer(self) -> str:
        """Runs the command."""
        if not self._layers:
            raise Mistake("nothing can run in an empty image", hint="COPY a program first")
        tail: list[str] = []
        before = f"{_INDENT}{self._place.stage} | " if self._place.several else _INDENT

        def show(line: str) -> None:
            tail.append(line)
            del tail[:-_TAIL_LINES]
            self._site.ledger.tell(before + line)

        with ExitStack() as stack:
            order = self._order(stack)
            with self._site.runner.run(order, show) as finished:
                if finished.exit_code != 0:
                    raise self._failed(finished, tail)
                return self._site.workshop.layer(finished.upper, finished.first_id)

    def _content(self) -> dict[str, str]:
        """What is mounted from elsewhere, as far as it may decide what comes out."""
        content: dict[str, str] = {}
        for mount in self._mounts:
            if mount.wish.kind != "bind":
                continue
            if mount.origin is not None and not mount.origin.context:
                content[f"{mount.target} of {mount.wish.origin}"] = " ".join(self._site.ground(mount.origin).layers)
                continue
            with self._site.opened(mount.origin, f"from={mount.wish.origin}") as root:
                for source in find_sources(root, mount.wish.source):
                    content |= digests(source)
        return content

    def _order(self, stack: ExitStack) -> RunOrder:
        config = self._state.config
        mounts = tuple(mount for wish in self._mounts for mount in self._mounted(stack, wish))
        secrets, agents = tuple(self._secrets()), tuple(self._agents())
        variables = dict(self._site.unrecorded)
        for mount in self._mounts:
            content = self._site.request.secrets.get(mount.wish.id) if mount.wish.env else None
            if content is not None:
                variables[mount.wish.env] = content.decode(errors="surrogateescape").removesuffix("\n")
        if agents:
            variables["SSH_AUTH_SOCK"] = agents[0].target
        given: tuple[SecretFile | Agent, ...] = (*secrets, *agents)
        single = {one.target for one in mounts if isinstance(one, BindMount) and Path(one.source).is_file()}
        files = {one.target for one in given} | single
        directories = {one.target for one in mounts} - single
        return RunOrder(
            process=Process(
                argv=self._argv,
                environment=self._state.variables,
                working_directory=config.working_directory,
                user=config.user,
            ),
            layers=(self._site.workshop.mount_points(directories, files), *self._layers),
            script=self._script,
            unrecorded=variables,
            mounts=mounts,
            secrets=secrets,
            agents=agents,
            sandbox=self._sandbox,
        )

    def _mounted(self, stack: ExitStack, mount: _Mounted) -> Iterator[Mount]:
        wish = mount.wish
        match wish.kind:
            case "tmpfs":
                yield TmpfsMount(target=mount.target, size_bytes=wish.size_bytes, executable=True)
            case "cache":
                caches = CacheMounts(self._site.store.cache / "build" / "mounts")

                def wait() -> None:
                    self._site.ledger.tell(f"{self._place.title} waits for another build's use of {mount.target}")

                path = stack.enter_context(caches.used(wish, self._filler(mount), wait))
                yield BindMount(source=str(path), target=mount.target, read_only=not wish.writable)
            case "bind":
                yield self._bind(mount)
            case _:
                return

    def _bind(self, mount: _Mounted) -> Mount:
        wish, origin = mount.wish, mount.origin
        if origin is not None and not origin.context and not wish.writable:
            layers = self._site.ground(origin).layers
            if layers:
                subpath = working_directory("/", wish.source).strip("/")
                return ImageMount(image_id="", layers=layers, target=mount.target, subpath=subpath)
        aside = self._site.workshop.empty()
        copied = self._fill(mount, aside)
        return BindMount(source=str(copied), target=mount.target, read_only=not wish.writable)

    def _filler(self, mount: _Mounted) -> Callable[[Path], None]:
        def fill(directory: Path) -> None:
            if mount.origin is not None:
                self._fill(mount, directory)

        return fill

    def _fill(self, mount: _Mounted, directory: Path) -> Path:
        """Copies what is to be mounted below a directory; the path of its copy."""
        with self._site.opened(mount.origin, f"from={mount.wish.origin}") as root, _handle(directory) as handle:
            (source,) = find_sources(root, mount.wish.source)[:1]
            copying.copy(handle, "/", (source,), (), Manner())
        return directory if source.is_directory else directory / source.name

    def _secrets(self) -> Iterator[SecretFile]:
        for mount in self._mounts:
            wish = mount.wish
            if wish.kind != "secret":
                continue
            content = self._site.request.secrets.get(wish.id)
            if content is None and wish.required:
                raise Mistake(f"the secret {wish.id!r} is not given", hint="list it in the service's build.secrets")
            if content is not None and mount.target:
                yield SecretFile(mount.target, wish.id, content, wish.uid, wish.gid, wish.mode)

    def _agents(self) -> Iterator[Agent]:
        for number, mount in enumerate(self._mounts):
            wish = mount.wish
            if wish.kind != "ssh":
                continue
            source = self._site.request.agents.get(wish.id)
            if source is None and wish.required:
                raise Mistake(f"the SSH agent {wish.id!r} is not given", hint="list it in the service's build.ssh")
            if source is not None:
                target = mount.target or f"{_AGENT_TARGET}.{number}"
                yield Agent(source, target, wish.uid, wish.gid, wish.mode)

    def _failed(self, finished: Finished, tail: list[str]) -> BuildError:
        file, line = self._site.file, self._instruction.line
        words = "".join(f"\n{_INDENT}{text}" for text in tail)
        text = " ".join(self._instruction.text.split())
        return BuildError(
            f"{file}:{line}: {text}: ended with status {finished.exit_code}{words}",
            file=file,
            line=line,
            exit_code=finished.exit_code,
            hint=_NO_WAY_OUT if any(sign in text for text in tail for sign in _UNREACHABLE) else "",
        )


def _program(instruction: Run, state: Settings) -> tuple[tuple[str, ...], str]:
    """The argv, and the script that it names, if any."""
    if instruction.script is None:
        return settings.in_shell(instruction.command, state.config), ""
    content = instruction.script.content
    if content.startswith("#!"):
        return (SCRIPT_TARGET,), content
    return settings.in_shell(Command(content), state.config), ""


def _sandbox(instruction: Run, around: Sandbox) -> Sandbox:
    """How the command is kept apart; Mistake when it asks for more than the build may."""
    if instruction.network == "host" and around.network != "host" and HOST_NETWORK not in around.entitlements:
        raise Mistake("the build may not use the host's network", hint=f"add {HOST_NETWORK} to build.entitlements")
    if instruction.security == "insecure" and not around.privileged and INSECURE not in around.entitlements:
        raise Mistake("the build may run nothing insecure", hint=f"add {INSECURE} to build.entitlements")
    network = instruction.network if instruction.network in {"none", "host"} else around.network
    privileged = instruction.security == "insecure" or (around.privileged and instruction.security != "sandbox")
    return around._replace(network=network, privileged=privileged)  # type: ignore[arg-type]  # one of its words


def _told(sandbox: Sandbox) -> tuple[str, ...]:
    """What of a sandbox may decide what comes out: how to reach the network does not, whether at all does."""
    return tuple(
        word
        for word, holds in (
            ("no network", sandbox.network == "none"),
            ("host network", sandbox.network == "host"),
            ("privileged", sandbox.privileged),
        )
        if holds
    )


@contextmanager
def _handle(directory: Path) -> Iterator[int]:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield handle
    finally:
        os.close(handle)
