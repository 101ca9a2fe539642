"""Builds an image from a Dockerfile, stages side by side."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import Final

from msgspec import structs

from engine.dockerfiles import settings
from engine.dockerfiles.bases import Bases, Pull
from engine.dockerfiles.cache import BuildCache
from engine.dockerfiles.contexts import opened_context, read_dockerfile
from engine.dockerfiles.dockerfile import parse_dockerfile
from engine.dockerfiles.instructions import Arg, Dockerfile
from engine.dockerfiles.ledger import Ledger
from engine.dockerfiles.requests import BuildRequest
from engine.dockerfiles.running import CancelledError, Runner
from engine.dockerfiles.settings import Given
from engine.dockerfiles.site import BuildSite, Notes, StageResult
from engine.dockerfiles.stagebuilds import build_stage
from engine.dockerfiles.stages import StagesPlan, plan_stages
from engine.dockerfiles.staleness import BuildInputs, dockerfile_digest, keep_inputs, known_files
from engine.dockerfiles.workshop import Workshop
from engine.images.model import Image
from engine.images.ociconfig import host_architecture
from engine.images.store import ImageStore

_NANOSECONDS: Final = 1_000_000_000
_KNOWN_ARGUMENTS: Final = settings.PROXY_ARGUMENTS | {"SOURCE_DATE_EPOCH"}
_OWN_ARGUMENTS: Final = "BUILDKIT_"


def build_image(
    request: BuildRequest,
    *,
    store: ImageStore,
    runner: Runner,
    pull: Pull,
    on_progress: Callable[[str], None],
    now_ns: Callable[[], int] = time.time_ns,
) -> Image:
    """Builds an image and names it. `on_progress` is given lines to show; BuildError names the file and line."""
    text, file = read_dockerfile(request)
    dockerfile, plan = planned(request, text, file)
    for warning in (*dockerfile.warnings, *unused_arguments(dockerfile, request.args)):
        on_progress(f"warning: {warning}")
    name = f"{file}\0{request.target}"
    ledger = Ledger(
        BuildCache(store),
        name,
        on_progress,
        now_ns,
        no_cache=request.no_cache,
        fresh_stages=request.fresh_stages,
    )
    began_ns = now_ns()
    with (
        store.in_use(),
        store.workspace() as aside,
        opened_context(request.context, request.dockerfile) as context,
    ):
        newest_ns = None if request.epoch is None else request.epoch * _NANOSECONDS
        stages = _Stages(plan)
        site = BuildSite(
            request=request,
            file=file,
            names=plan.names,
            given=Given(request.args, plan.inherited, dockerfile.escape),
            unrecorded={name: value for name, value in request.args.items() if name in settings.PROXY_ARGUMENTS},
            store=store,
            workshop=Workshop(store, aside, newest_ns),
            ledger=ledger,
            runner=runner,
            context=context,
            notes=Notes(known_files(store.cache, request.tag)),
            stage=stages.result,
            image=Bases(store, pull, ledger.tell, refresh=request.refresh).image,
        )
        try:
            result = stages.build(site)
        finally:
            ledger.close()
        image = store.add_image(
            structs.replace(result.config, labels={**result.config.labels, **request.labels}),
            result.layers,
            created_ns=result.created_ns if newest_ns is None else newest_ns,
            architecture=host_architecture(os.uname().machine),
            history=result.history,
        )
        for tag in (request.tag, *request.tags):
            store.tag(tag, image)
        kept = BuildInputs(
            image_id=image.id,
            target=request.target,
            args=dict(request.args),
            dockerfile=dockerfile_digest(text),
            sources=tuple(site.notes.sources),
            files=site.notes.files,
            read_ns=began_ns,
        )
        keep_inputs(store.cache, request.tag, kept)
    return image


def check(request: BuildRequest) -> tuple[str, ...]:
    """What may be wrong with a Dockerfile, and with what it is built with; BuildError tells what is wrong for sure."""
    text, file = read_dockerfile(request)
    dockerfile, _ = planned(request, text, file)
    return (*dockerfile.warnings, *unused_arguments(dockerfile, request.args))


def planned(request: BuildRequest, text: str, file: str) -> tuple[Dockerfile, StagesPlan]:
    """Reads a Dockerfile and decides which stages to build."""
    dockerfile = parse_dockerfile(text, file)
    architecture = host_architecture(os.uname().machine)
    return dockerfile, plan_stages(dockerfile, request.args, architecture, request.target, request.contexts)


def unused_arguments(dockerfile: Dockerfile, given: Mapping[str, str]) -> Iterator[str]:
    """A warning for each argument that the file does not know."""
    declared = {name for instruction in dockerfile.arguments for name, _ in instruction.arguments}
    for stage in dockerfile.stages:
        for instruction in stage.instructions:
            if isinstance(instruction, Arg):
                declared.update(name for name, _ in instruction.arguments)
    for name in sorted(given.keys() - declared - _KNOWN_ARGUMENTS):
        if not name.startswith(_OWN_ARGUMENTS):
            yield f"build argument {name} is declared by no ARG"


class _Stages:
    """The stages of a build, each in a thread of its own that waits for those it needs."""

    def __init__(self, plan: StagesPlan) -> None:
        self._plan = plan
        self._lock = threading.Lock()
        self._running: dict[int, Future[StageResult]] = {}
        self._begin: Callable[[int], Future[StageResult]] | None = None

    def build(self, site: BuildSite) -> StageResult:
        """The last stage's result. What fails first ends all others."""
        wanted = [plan.stage.number for plan in self._plan.stages]
        several = len(wanted) > 1
        plans = {plan.stage.number: plan for plan in self._plan.stages}
        with ThreadPoolExecutor(max_workers=len(self._plan.names.stages)) as threads:
            self._begin = lambda number: threads.submit(build_stage, site, plans[number], several=several)
            try:
                futures = [self._future(number) for number in wanted]
                done, _ = wait(futures, return_when=FIRST_EXCEPTION)
                for future in sorted(done, key=futures.index):
                    if future.exception() is not None:
                        future.result()
                return futures[-1].result()
            except BaseException:
                site.runner.cancel()
                raise

    def result(self, number: int) -> StageResult:
        """A stage's result, waited for."""
        return self._future(number).result()

    def _future(self, number: int) -> Future[StageResult]:
        with self._lock:
            if number not in self._running:
                if self._begin is None:
                    raise CancelledError("the build has not begun")
                self._running[number] = self._begin(number)
            return self._running[number]
