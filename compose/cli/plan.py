"""`windlass plan`."""

from typing import Annotated

from compose.cli.choices import one_of
from compose.cli.options import Argument, Option
from compose.cli.preview import show
from compose.cli.scales import scale_of
from compose.cli.session import Session
from compose.deciding.wanted import Options

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
