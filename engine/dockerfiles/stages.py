"""Which stages of a Dockerfile a build needs, and what each begins with."""

from collections.abc import Mapping
from typing import NamedTuple

from engine.dockerfiles.instructions import Copy, Dockerfile, Stage
from engine.dockerfiles.problems import Mistake, Problem, failure
from engine.dockerfiles.settings import Given, Settings, declare
from engine.dockerfiles.words import expand
from engine.errors import BuildError, ImageError
from engine.images.model import ImageConfig
from engine.images.references import parse_reference

SCRATCH = "scratch"


class Origin(NamedTuple):
    """Where files come from: a `stage` by its number, or an `image` by its name; neither: nothing at all."""

    stage: int | None = None
    image: str = ""


class StagePlan(NamedTuple):
    """One stage to build: `base` is what FROM names, `origins` what each `COPY --from=` names, by its text."""

    stage: Stage
    base: Origin
    origins: Mapping[str, Origin]


class StagesPlan(NamedTuple):
    """The stages to build, in this order; the last one is the wanted one. `inherited` is as in Given."""

    stages: tuple[StagePlan, ...]
    inherited: Mapping[str, str]

    @property
    def images(self) -> tuple[str, ...]:
        """The images that must be there."""
        origins = [origin for plan in self.stages for origin in (plan.base, *plan.origins.values())]
        return tuple(dict.fromkeys(origin.image for origin in origins if origin.image))


def plan_stages(
    dockerfile: Dockerfile,
    arguments: Mapping[str, str],
    architecture: str,
    target: str = "",
) -> StagesPlan:
    """Decides what to build for `target` (empty: the last stage). BuildError when names lead nowhere."""
    inherited = _inherited(dockerfile, arguments, architecture)
    problems: list[Problem] = []
    planned = []
    for stage in dockerfile.stages:
        try:
            planned.append(_plan_stage(stage, dockerfile, inherited, f"linux/{architecture}"))
        except Mistake as mistake:
            problems.append(Problem(stage.begin.line, mistake.message, mistake.hint))
    if problems:
        raise failure(dockerfile.file, problems)
    wanted = _target(dockerfile, target)
    needed = {wanted.number}
    for plan in reversed(planned[: wanted.number + 1]):
        if plan.stage.number in needed:
            needed.update(origin.stage for origin in (plan.base, *plan.origins.values()) if origin.stage is not None)
    return StagesPlan(tuple(plan for plan in planned if plan.stage.number in needed), inherited)


def _inherited(dockerfile: Dockerfile, arguments: Mapping[str, str], architecture: str) -> dict[str, str]:
    platform = f"linux/{architecture}"
    found: dict[str, str] = {}
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


def _plan_stage(stage: Stage, dockerfile: Dockerfile, inherited: Mapping[str, str], platform: str) -> StagePlan:
    wanted_platform = expand(stage.begin.platform, inherited, dockerfile.escape)
    if wanted_platform and wanted_platform != platform:
        raise Mistake(f"FROM --platform={wanted_platform} is not supported yet: this host is {platform}")
    earlier = dockerfile.stages[: stage.number]
    name = expand(stage.begin.image, inherited, dockerfile.escape)
    if not name:
        raise Mistake(f"FROM {stage.begin.image} names no image: the variable is empty", hint="give ARG a default")
    base = Origin() if name == SCRATCH else _origin(name, earlier, numbers=False)
    origins = {}
    for instruction in stage.instructions:
        if isinstance(instruction, Copy) and instruction.origin:
            if "$" in instruction.origin:
                raise Mistake(f"line {instruction.line}: variables in COPY --from are not supported yet")
            origins[instruction.origin] = _origin(instruction.origin, earlier, numbers=True)
    return StagePlan(stage, base, origins)


def _origin(name: str, earlier: tuple[Stage, ...], *, numbers: bool) -> Origin:
    for stage in reversed(earlier):
        if stage.begin.name and stage.begin.name == name.lower():
            return Origin(stage=stage.number)
    if numbers and name.isascii() and name.isdigit():
        if int(name) < len(earlier):
            return Origin(stage=int(name))
        raise Mistake(f"COPY --from={name}: there is no such stage before this one")
    try:
        return Origin(image=parse_reference(name).familiar)
    except ImageError as error:
        raise Mistake(error.message, hint=error.hint) from None


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
