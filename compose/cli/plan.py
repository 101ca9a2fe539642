"""`windlass plan`."""

import sys
from pathlib import Path
from typing import Annotated

from compose.cli.choices import one_of
from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.cli.up import scale_of
from compose.deciding.steps import Plan
from compose.deciding.wanted import Options
from compose.doing.survey import observe
from compose.doing.up import decide
from compose.showing.plan_text import plan_json, plan_text

CHANGES = 2


def command(
    session: Session,
    services: Annotated[list[str] | None, Argument("Only these services and what they need.")] = None,
    *,
    build: Annotated[bool, Option("--build", tells="As if images were built anew.")] = False,
    force_recreate: Annotated[bool, Option("--force-recreate", tells="As if everything had changed.")] = False,
    renew_anon_volumes: Annotated[
        bool, Option("--renew-anon-volumes", "-V", tells="As if anonymous volumes were made anew.")
    ] = False,
    rerun_jobs: Annotated[bool, Option("--rerun-jobs", tells="Run again, too, what has finished its work.")] = False,
    scale: Annotated[list[str] | None, Option(tells="SERVICE=NUMBER of replicas; may be repeated.")] = None,
    remove_orphans: Annotated[bool, Option("--remove-orphans", tells="Remove what the file lacks.")] = False,
    out: Annotated[str, Option("--out", tells="Keep the plan in this file, for up --plan.")] = "",
    detailed_exitcode: Annotated[
        bool, Option("--detailed-exitcode", tells="Status 2 if there is something to do, else 0.")
    ] = False,
    output: Annotated[str, Option("--format", tells="text or json.")] = "text",
) -> int:
    """Shows what `up` would do, and why; changes nothing."""
    one_of("--format", output, ("text", "json"))
    options = Options(
        services=tuple(services or ()),
        scale=scale_of(scale or ()),
        force_recreate=force_recreate,
        rerun_jobs=rerun_jobs,
        renew_anonymous_volumes=renew_anon_volumes,
        remove_orphans=remove_orphans or session.is_set("COMPOSE_REMOVE_ORPHANS"),
        ignore_orphans=session.is_set("COMPOSE_IGNORE_ORPHANS"),
        adopt=session.options.adopt,
        all_resources=session.options.all_resources,
    )
    found = show(session, options, build=build, output=output, out=out)
    return CHANGES if detailed_exitcode and found.steps else 0


def show(session: Session, options: Options, *, build: bool, output: str = "text", out: str = "") -> Plan:
    """Prints the plan for these options, keeps it in the file `out` if that is named."""
    session.require_root()
    stack = session.startable_stack(services=options.services)
    found = decide(stack, session.layout, observe(session.layout.stack(stack.name)), options, build=build)
    if out:
        from compose.showing.plan_files import write_plan  # noqa: PLC0415 - only here

        write_plan(Path(out), found, stack.directory, options, build=build)
    if output == "json":
        import json  # noqa: PLC0415 - only here

        sys.stdout.write(json.dumps(plan_json(found), indent=2) + "\n")
        return found
    for warning in found.warnings:
        session.warn(warning)
    sys.stdout.write(plan_text(found))
    return found
