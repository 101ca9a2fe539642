"""Builds one stage, instruction by instruction."""

from collections.abc import Iterator
from contextlib import contextmanager

from engine.dockerfiles import copysteps, runsteps, settings
from engine.dockerfiles.dockerfile import parse_triggers
from engine.dockerfiles.instructions import Copy, Instruction, Run, Workdir
from engine.dockerfiles.ledger import Place
from engine.dockerfiles.problems import Mistake, Problem, failure
from engine.dockerfiles.running import CancelledError
from engine.dockerfiles.settings import Settings
from engine.dockerfiles.site import BuildSite, StageResult
from engine.dockerfiles.stages import StagePlan
from engine.dockerfiles.steps import StepInputs, StepRecord
from engine.errors import BuildError, EngineError
from engine.images.model import HistoryEntry

_NANOSECONDS = 1_000_000_000
_FILE_STEPS = (Run, Copy, Workdir)


def build_stage(site: BuildSite, plan: StagePlan, *, several: bool) -> StageResult:
    """What the stage comes to; `several`: it is not the only one. BuildError names the line of what went wrong."""
    with _placed(site.file, plan.stage.begin.line, "FROM"):
        base = site.ground(plan.base)
        names = site.names.before(plan.stage)
        triggers = parse_triggers(base.config.on_build, plan.stage.begin.line)
        plan = plan._replace(origins={**plan.origins, **names.origins(triggers)})
    instructions = (*triggers, *plan.stage.instructions)
    steps = sum(isinstance(instruction, _FILE_STEPS) for instruction in instructions)
    place = Place(plan.stage.title, 0, steps, 0, several)
    state = Settings(settings.at_begin(base.config))
    result = base
    for position, instruction in enumerate(instructions):
        with _placed(site.file, instruction.line, instruction.text.split()[0].upper()):
            following = settings.after(instruction, state, site.given)
            place = place._replace(number=place.number + isinstance(instruction, _FILE_STEPS), position=position)
            record = _carry_out(site, plan, place, instruction, following, result.layers)
            state = following
        layers, created_ns = result.layers, result.created_ns
        if record is not None and record.layer:
            created_ns = max(created_ns, record.created_ns)
            layers = (*layers, record.layer)
        step = HistoryEntry(
            created_by=instruction.text,
            created_ns=created_ns if site.request.epoch is None else site.request.epoch * _NANOSECONDS,
            empty=layers == result.layers,
        )
        result = StageResult(state.config, layers, (*result.history, step), created_ns)
    return result._replace(config=state.config)


def _carry_out(
    site: BuildSite,
    plan: StagePlan,
    place: Place,
    instruction: Instruction,
    state: Settings,
    layers: tuple[str, ...],
) -> StepRecord | None:
    """What an instruction adds to the files; None when it adds none."""
    match instruction:
        case Run():
            return runsteps.run(site, place, instruction, state, layers, plan.origins)
        case Copy():
            return copysteps.copy(site, place, instruction, state, layers, plan.origins)
        case Workdir():
            path, user = state.config.working_directory, state.config.user
            epoch = site.request.epoch
            inputs = StepInputs(kind="workdir", command=(path,), user=user, layers=layers, epoch=epoch)
            do = lambda: site.workshop.with_directory(layers, path, user)  # noqa: E731 -- what the step does
            return site.ledger.done(place, instruction.text, inputs, do)
        case _:
            return None


@contextmanager
def _placed(file: str, line: int, keyword: str) -> Iterator[None]:
    """Gives what goes wrong in the block its place in the Dockerfile."""
    try:
        yield
    except Mistake as mistake:
        message = mistake.message if mistake.message.startswith(keyword) else f"{keyword}: {mistake.message}"
        raise failure(file, [Problem(line, message, mistake.hint)]) from None
    except (BuildError, CancelledError):
        raise
    except EngineError as error:
        message = f"{keyword}: {error.message}"
        raise failure(file, [Problem(line, message, error.hint)]) from error
    except OSError as error:
        message = f"{keyword}: {error.strerror}" + (f": {error.filename}" if error.filename else "")
        raise failure(file, [Problem(line, message)]) from error
