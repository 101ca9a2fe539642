"""Which stages of a Dockerfile a build needs, and what each begins with."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from engine.dockerfiles.instructions import Copy, Dockerfile, Instruction, Run, Stage
from engine.dockerfiles.problems import Mistake, Problem, failure
from engine.dockerfiles.requests import NamedContext
from engine.dockerfiles.runmounts import mount_origin
from engine.dockerfiles.settings import Given, Settings, declare
from engine.dockerfiles.words import expand
from engine.errors import BuildError, ImageError
from engine.images.model import ImageConfig
from engine.images.references import parse_reference

SCRATCH: Final = "scratch"
_MACHINES: Final = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "arm64/v8": "arm64", "i386": "386"}


class Origin(NamedTuple):
    """Where files come from: a `stage`, an `image` by its name, a named `context`; none of them: nothing at all."""

    stage: int | None = None
    image: str = ""
    context: str = ""


class StagePlan(NamedTuple):
    """One stage: `base` is what FROM names, `origins` what COPY and mounts name with `from`, by its text."""

    stage: Stage
    base: Origin
    origins: Mapping[str, Origin]


class StagesPlan(NamedTuple):
    """The stages to build, in this order; the last one is the wanted one. `inherited` is as in Given.

    `names` are all of the file's stages, in case that a base image brings instructions which name others.
    """

    stages: tuple[StagePlan, ...]
    inherited: Mapping[str, str]
    names: "Names"

    @property
    def images(self) -> tuple[str, ...]:
        """The images that must be there."""
        origins = [origin for plan in self.stages for origin in (plan.base, *plan.origins.values())]
        return tuple(dict.fromkeys(origin.image for origin in origins if origin.image))


class Names(NamedTuple):
    """What names in a Dockerfile may stand for: its stages so far, and what the build was given."""

    stages: tuple[Stage, ...]
    contexts: Mapping[str, NamedContext]

    def before(self, stage: Stage) -> "Names":
        """Those that a stage may use."""
        return self._replace(stages=self.stages[: stage.number])

    def origin(self, name: str, *, numbers: bool) -> Origin:
        """What a name stands for; with `numbers`, stages have those as well. Mistake when it cannot be anything."""
        given = self.contexts.get(name) or self.contexts.get(name.lower())
        if given is not None:
            return Origin(image=parse_reference(given.image).familiar) if given.image else Origin(context=name)
        for stage in reversed(self.stages):
            if stage.begin.name and stage.begin.name == name.lower():
                return Origin(stage=stage.number)
        if numbers and name.isascii() and name.isdigit():
            if int(name) < len(self.stages):
                return Origin(stage=int(name))
            raise Mistake(f"from={name}: there is no such stage before this one")
        try:
            return Origin(image=parse_reference(name).familiar)
        except ImageError as error:
            raise Mistake(error.message, hint=error.hint) from None

    def origins(self, instructions: Iterable[Instruction]) -> dict[str, Origin]:
        """What instructions name with `from`."""
        found = {}
        for instruction in instructions:
            for name in _named(instruction):
                if "$" in name:
                    raise Mistake(
                        f"line {instruction.line}: variables in --from={name} are not replaced",
                        hint=f"name a stage for it: FROM {name} AS files, then --from=files",
                    )
                found[name] = self.origin(name, numbers=True)
        return found


def plan_stages(
    dockerfile: Dockerfile,
    arguments: Mapping[str, str],
    architecture: str,
    target: str = "",
    contexts: Mapping[str, NamedContext] = MappingProxyType({}),
) -> StagesPlan:
    """Decides what to build for `target` (empty: the last stage). BuildError when names lead nowhere."""
    wanted = _target(dockerfile, target)
    inherited = _inherited(dockerfile, arguments, architecture, wanted.begin.name or target or "default")
    names = Names(dockerfile.stages, contexts)
    problems: list[Problem] = []
    planned = []
    for stage in dockerfile.stages:
        try:
            planned.append(_plan_stage(stage, dockerfile, inherited, f"linux/{architecture}", names.before(stage)))
        except Mistake as mistake:
            problems.append(Problem(stage.begin.line, mistake.message, mistake.hint))
    if problems:
        raise failure(dockerfile.file, problems)
    needed = {wanted.number}
    for plan in reversed(planned[: wanted.number + 1]):
        if plan.stage.number in needed:
            needed.update(origin.stage for origin in (plan.base, *plan.origins.values()) if origin.stage is not None)
    return StagesPlan(tuple(plan for plan in planned if plan.stage.number in needed), inherited, names)


def _inherited(dockerfile: Dockerfile, arguments: Mapping[str, str], architecture: str, target: str) -> dict[str, str]:
    platform = f"linux/{architecture}"
    found: dict[str, str] = {"TARGETSTAGE": target}
    for side in ("BUILD", "TARGET"):
        found |= {f"{side}PLATFORM": platform, f"{side}OS": "linux", f"{side}ARCH": architecture, f"{side}VARIANT": ""}
    settings = Settings(ImageConfig(), found)
    for instruction in dockerfile.arguments:
        try:
            declared = declare(instruction.arguments, settings, Given(arguments, {}, dockerfile.escape))
        except Mistake as mistake:
            raise failure(dockerfile.file, [Problem(instruction.line, mistake.message, mistake.hint)]) from None
        settings = settings._replace(arguments=declared)
    return dict(settings.arguments)


def _plan_stage(
    stage: Stage, dockerfile: Dockerfile, inherited: Mapping[str, str], platform: str, names: Names
) -> StagePlan:
    wanted_platform = expand(stage.begin.platform, inherited, dockerfile.escape)
    if wanted_platform and _normal_platform(wanted_platform) != platform:
        raise Mistake(
            f"FROM --platform={wanted_platform}: this host is {platform}, and runs no other programs",
            hint="leave --platform out, or write --platform=$BUILDPLATFORM",
        )
    name = expand(stage.begin.image, inherited, dockerfile.escape)
    if not name:
        raise Mistake(f"FROM {stage.begin.image} names no image: the variable is empty", hint="give ARG a default")
    base = Origin() if name == SCRATCH else names.origin(name, numbers=False)
    if base.context:
        raise Mistake(f"FROM {name}: a directory can be copied from, not built on", hint=f"COPY --from={name}")
    return StagePlan(stage, base, names.origins(stage.instructions))


def _normal_platform(text: str) -> str:
    system, _, machine = text.lower().rpartition("/") if "/" not in text else text.lower().partition("/")
    return f"{system or 'linux'}/{_MACHINES.get(machine, machine)}"


def _named(instruction: Instruction) -> Iterable[str]:
    match instruction:
        case Copy(origin=origin) if origin:
            return (origin,)
        case Run(mounts=mounts):
            return [name for mount in mounts if (name := mount_origin(mount))]
        case _:
            return ()


def _target(dockerfile: Dockerfile, target: str) -> Stage:
    if not target:
        return dockerfile.stages[-1]
    for stage in dockerfile.stages:
        if target.lower() == stage.begin.name or target == str(stage.number):
            return stage
    names = ", ".join(stage.begin.name for stage in dockerfile.stages if stage.begin.name) or "none has a name"
    raise BuildError(
        f"{dockerfile.file}: there is no stage {target!r}",
        file=dockerfile.file,
        hint=f"the file's stages: {names}",
    )
