"""Builds an image from a Dockerfile, one step after the other."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from msgspec import structs

from engine.dockerfiles import copying, settings, steps
from engine.dockerfiles.cache import BuildCache
from engine.dockerfiles.contexts import opened_context, read_dockerfile
from engine.dockerfiles.copying import Manner, Written
from engine.dockerfiles.dockerfile import parse_dockerfile
from engine.dockerfiles.instructions import Arg, Command, Copy, Dockerfile, Instruction, Run, Stage, Workdir
from engine.dockerfiles.problems import Mistake, Problem, failure
from engine.dockerfiles.running import SCRIPT_TARGET, Finished, Runner, RunOrder
from engine.dockerfiles.settings import Given, Settings
from engine.dockerfiles.sources import Root, digests, find_sources
from engine.dockerfiles.stages import Origin, StagePlan, StagesPlan, plan_stages
from engine.dockerfiles.staleness import BuildInputs, Seen, dockerfile_digest, keep_inputs, seen
from engine.dockerfiles.steps import StepInputs, StepRecord
from engine.dockerfiles.words import expand, expand_text
from engine.dockerfiles.workshop import Workshop
from engine.errors import BuildError, EngineError, ImageError
from engine.images.debootstrap import ensure_debootstrap
from engine.images.model import HistoryEntry, Image, ImageConfig
from engine.images.ociconfig import digest_of, host_architecture
from engine.images.references import parse_reference
from engine.images.store import ImageStore
from engine.spec import Process
from engine.syscalls import Resolve

_TAIL_LINES = 15
_OUTPUT_INDENT = "    "
_UNREACHABLE = ("Could not resolve", "Temporary failure", "nable to connect", "Could not connect", "is unreachable")
_NO_WAY_OUT = "if the host itself can reach that address, `windlass doctor` tells what stands in the containers' way"


class BuildRequest(NamedTuple):
    """What to build. `dockerfile` is relative to `context` unless absolute; `target` empty means the last stage.

    `labels` are the image's, over those that the Dockerfile gives it.
    """

    context: Path
    tag: str
    dockerfile: str = "Dockerfile"
    args: Mapping[str, str] = {}
    target: str = ""
    no_cache: bool = False
    labels: Mapping[str, str] = {}


class _StageResult(NamedTuple):
    config: ImageConfig
    layers: tuple[str, ...]
    history: tuple[HistoryEntry, ...]
    created_ns: int


def build_image(
    request: BuildRequest,
    *,
    store: ImageStore,
    runner: Runner,
    on_progress: Callable[[str], None],
    now_ns: Callable[[], int] = time.time_ns,
) -> Image:
    """Builds an image and names it. `on_progress` is given lines to show; BuildError names the file and line."""
    text, file = read_dockerfile(request.context, request.dockerfile)
    dockerfile = parse_dockerfile(text, file)
    architecture = host_architecture(os.uname().machine)
    plan = plan_stages(dockerfile, request.args, architecture, request.target)
    for warning in (*dockerfile.warnings, *_unused_arguments(dockerfile, request.args)):
        on_progress(f"warning: {warning}")
    with (
        store.in_use(),
        store.workspace() as aside,
        opened_context(request.context, request.dockerfile) as context,
    ):
        build = _Build(request, dockerfile, plan, store, runner, context, aside, on_progress, now_ns)
        result = build.run()
        image = store.add_image(
            structs.replace(result.config, labels={**result.config.labels, **request.labels}),
            result.layers,
            created_ns=result.created_ns,
            architecture=architecture,
            history=result.history,
        )
        store.tag(request.tag, image)
        kept = BuildInputs(
            image_id=image.id,
            target=request.target,
            args=dict(request.args),
            dockerfile=dockerfile_digest(text),
            sources=tuple(build.sources),
            files=build.files,
        )
        keep_inputs(store.cache, request.tag, kept)
    return image


def _unused_arguments(dockerfile: Dockerfile, given: Mapping[str, str]) -> Iterator[str]:
    declared = {name for instruction in dockerfile.arguments for name, _ in instruction.arguments}
    for stage in dockerfile.stages:
        for instruction in stage.instructions:
            if isinstance(instruction, Arg):
                declared.update(name for name, _ in instruction.arguments)
    for name in sorted(given.keys() - declared - settings.PROXY_ARGUMENTS):
        yield f"build argument {name} is declared by no ARG"


class _Build:
    """One build under way. `sources` and `files` are what it copies from its context."""

    def __init__(
        self,
        request: BuildRequest,
        dockerfile: Dockerfile,
        plan: StagesPlan,
        store: ImageStore,
        runner: Runner,
        context: Root,
        aside: Path,
        on_progress: Callable[[str], None],
        now_ns: Callable[[], int],
    ) -> None:
        self._request = request
        self._dockerfile = dockerfile
        self._plan = plan
        self._store = store
        self._runner = runner
        self._context = context
        self._workshop = Workshop(store, aside)
        self._on_progress = on_progress
        self._now_ns = now_ns
        self._given = Given(request.args, plan.inherited, dockerfile.escape)
        self._proxies = {name: value for name, value in request.args.items() if name in settings.PROXY_ARGUMENTS}
        self._cache = BuildCache(store)
        self._name = f"{dockerfile.file}\0{request.target}"
        self._previous = self._cache.history(self._name)
        self._history: dict[str, StepInputs] = {}
        self._results: dict[int, _StageResult] = {}
        self.sources: list[str] = []
        self.files: dict[str, Seen] = {}
        self._step = 0
        self._steps = sum(len(_file_steps(stage_plan.stage)) for stage_plan in plan.stages)

    def run(self) -> _StageResult:
        """Builds every stage of the plan; the last one's result."""
        try:
            for stage_plan in self._plan.stages:
                self._results[stage_plan.stage.number] = self._stage(stage_plan)
        finally:
            self._cache.keep_history(self._name, {**self._previous, **self._history})
        return self._results[self._plan.stages[-1].stage.number]

    def _stage(self, plan: StagePlan) -> _StageResult:
        with self._placed(plan.stage.begin.line, "FROM"):
            base = self._base(plan.base)
        state = Settings(base.config)
        result = base
        for position, instruction in enumerate(plan.stage.instructions):
            with self._placed(instruction.line, instruction.text.split()[0].upper()):
                following = settings.after(instruction, state, self._given)
                record = self._carry_out(plan, position, instruction, following, result.layers)
                state = following
            layers, created_ns = result.layers, result.created_ns
            if record is not None:
                created_ns = max(created_ns, record.created_ns)
                layers = (*layers, record.layer)
            step = HistoryEntry(created_by=instruction.text, created_ns=created_ns, empty=record is None)
            result = _StageResult(state.config, layers, (*result.history, step), created_ns)
        return result

    @contextmanager
    def _placed(self, line: int, keyword: str) -> Iterator[None]:
        """Gives what goes wrong in the block its place in the Dockerfile."""
        try:
            yield
        except Mistake as mistake:
            message = mistake.message if mistake.message.startswith(keyword) else f"{keyword}: {mistake.message}"
            raise failure(self._dockerfile.file, [Problem(line, message, mistake.hint)]) from None
        except BuildError:
            raise
        except EngineError as error:
            message = f"{keyword}: {error.message}"
            raise failure(self._dockerfile.file, [Problem(line, message, error.hint)]) from error
        except OSError as error:
            message = f"{keyword}: {error.strerror}" + (f": {error.filename}" if error.filename else "")
            raise failure(self._dockerfile.file, [Problem(line, message)]) from error

    def _base(self, origin: Origin) -> _StageResult:
        if origin.stage is not None:
            return self._results[origin.stage]
        if not origin.image:
            return _StageResult(ImageConfig(), (), (), 0)
        image = self._image(origin.image)
        return _StageResult(image.config, image.layers, image.history, image.created_ns)

    def _image(self, name: str) -> Image:
        found = self._store.find(name)
        if found is not None:
            return found
        suite = parse_reference(name).suite
        if not suite:
            raise ImageError(
                f"image {name} is not here, and pulling from registries is not supported yet",
                hint="build on an image made from signed packages: FROM debootstrap:bookworm",
            )
        return ensure_debootstrap(self._store, suite, self._on_progress)

    def _carry_out(
        self,
        plan: StagePlan,
        position: int,
        instruction: Instruction,
        state: Settings,
        layers: tuple[str, ...],
    ) -> StepRecord | None:
        """What an instruction adds to the files, None when nothing."""
        place = f"{plan.stage.number}.{position}"
        match instruction:
            case Run():
                order = self._run_order(instruction, state, layers)
                inputs = _run_inputs(order)
                return self._done(place, instruction, inputs, lambda: self._run(instruction, order))
            case Copy():
                return self._copy(place, plan, instruction, state, layers)
            case Workdir():
                path = state.config.working_directory
                inputs = StepInputs(kind="workdir", command=(path,), layers=layers)
                return self._done(place, instruction, inputs, lambda: self._workshop.with_directory(layers, path))
            case _:
                return None

    def _done(
        self,
        place: str,
        instruction: Instruction,
        inputs: StepInputs,
        do: Callable[[], str],
    ) -> StepRecord | None:
        """Takes a step's result from the cache, or does it and remembers."""
        self._step += 1
        title = f"[{self._step}/{self._steps}] {_first_line(instruction.text)}"
        self._history[place] = inputs
        record = None if self._request.no_cache else self._cache.find(inputs)
        if record is not None:
            self._on_progress(f"{title} (cached)")
        else:
            why = "--no-cache" if self._request.no_cache else steps.cause(self._previous.get(place), inputs)
            self._on_progress(f"{title} ({why})")
            record = StepRecord(layer=do(), created_ns=self._now_ns())
            self._cache.keep(inputs, record)
        return record if record.layer else None

    def _run_order(self, instruction: Run, state: Settings, layers: tuple[str, ...]) -> RunOrder:
        config = state.config
        argv, script = settings.in_shell(instruction.command, config), ""
        if instruction.script is not None:
            content = instruction.script.content
            if content.startswith("#!"):
                argv, script = (SCRIPT_TARGET,), content
            else:
                argv = settings.in_shell(Command(content), config)
        process = Process(
            argv=argv,
            environment=state.variables,
            working_directory=config.working_directory,
            user=config.user,
        )
        return RunOrder(process, layers, script, self._proxies)

    def _run(self, instruction: Run, order: RunOrder) -> str:
        tail: list[str] = []

        def show(line: str) -> None:
            tail.append(line)
            del tail[:-_TAIL_LINES]
            self._on_progress(_OUTPUT_INDENT + line)

        if not order.layers:
            raise Mistake("nothing can run in an empty image", hint="COPY a program first")
        seen = order._replace(layers=(self._workshop.mount_points(), *order.layers))
        with self._runner.run(seen, show) as finished:
            if finished.exit_code != 0:
                raise self._failed(instruction, finished, tail)
            return self._workshop.layer(finished.upper, finished.first_id)

    def _failed(self, instruction: Run, finished: Finished, tail: list[str]) -> BuildError:
        file, line = self._dockerfile.file, instruction.line
        words = "".join(f"\n{_OUTPUT_INDENT}{text}" for text in tail)
        return BuildError(
            f"{file}:{line}: {_first_line(instruction.text)}: ended with status {finished.exit_code}{words}",
            file=file,
            line=line,
            exit_code=finished.exit_code,
            hint=_NO_WAY_OUT if any(sign in text for text in tail for sign in _UNREACHABLE) else "",
        )

    def _copy(
        self,
        place: str,
        plan: StagePlan,
        instruction: Copy,
        state: Settings,
        layers: tuple[str, ...],
    ) -> StepRecord | None:
        def value(word: str) -> str:
            return expand(word, state.variables, self._given.escape)

        def body(text: str) -> str:
            return expand_text(text, state.variables, self._given.escape)

        names = tuple(value(source) for source in instruction.sources)
        destination = _destination(state.config.working_directory, value(instruction.destination))
        owner, mode = value(instruction.owner), value(instruction.mode)
        with self._origin(plan, instruction.origin) as root:
            sources = tuple(source for name in names for source in find_sources(root, name))
            written = tuple(
                Written(heredoc.name, (body(heredoc.content) if heredoc.expand else heredoc.content).encode())
                for heredoc in instruction.heredocs
            )
            content = {path: digest for source in sources for path, digest in digests(source).items()}
            if not instruction.origin:
                self.sources.extend(names)
                self.files |= seen(sources, content)
            content |= {f"<<{file.name}": digest_of(file.content) for file in written}
            inputs = StepInputs(
                kind="copy",
                command=("ADD" if instruction.unpack else "COPY", owner, mode, *names, destination),
                layers=layers,
                content=content,
            )
            manner = Manner(mode=copying.parse_mode(mode), unpack=instruction.unpack)

            def do() -> str:
                with self._workshop.changing(layers) as (view, upper):
                    whose = copying.find_owner(view, owner)
                    copying.copy(view, destination, sources, written, manner._replace(owner=whose))
                return self._workshop.layer(upper, 0)

            return self._done(place, instruction, inputs, do)

    @contextmanager
    def _origin(self, plan: StagePlan, name: str) -> Iterator[Root]:
        """Where COPY takes files from."""
        if not name:
            yield self._context
            return
        base = self._base(plan.origins[name])
        with self._workshop.looking_at(base.layers) as view:
            yield Root(view, f"--from={name}", Resolve.IN_ROOT | Resolve.NO_MAGICLINKS, own_ids=True)


def _file_steps(stage: Stage) -> list[Instruction]:
    return [instruction for instruction in stage.instructions if isinstance(instruction, Run | Copy | Workdir)]


def _run_inputs(order: RunOrder) -> StepInputs:
    """How to reach the network decides nothing."""
    return StepInputs(
        kind="run",
        command=(*order.process.argv, order.script) if order.script else order.process.argv,
        layers=order.layers,
        environment=order.process.environment,
        working_directory=order.process.working_directory,
        user=order.process.user,
    )


def _destination(current: str, written: str) -> str:
    """The absolute path that COPY writes to; a slash at its end is kept, for it means a directory."""
    path = settings.working_directory(current, written)
    is_directory = written.endswith(("/", "/.")) or written == "."
    return f"{path.rstrip('/')}/" if is_directory else path


def _first_line(text: str) -> str:
    return " ".join(text.split())
