"""`windlass plan`."""

from typing import Annotated

from compose.cli.choices import PULL_WORDS, one_at_most, one_of
from compose.cli.options import Argument, Option
from compose.cli.preview import show
from compose.cli.scales import scale_of
from compose.cli.session import Session
from compose.deciding.options import Options

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
    no_recreate: Annotated[bool, Option("--no-recreate", tells="As if nothing that exists had changed.")] = False,
    always_recreate_deps: Annotated[
        bool, Option("--always-recreate-deps", tells="Make those anew, too, that the services depend on.")
    ] = False,
    no_deps: Annotated[bool, Option("--no-deps", tells="Leave out what the services depend on.")] = False,
    no_start: Annotated[bool, Option("--no-start", tells="Make containers, start none.")] = False,
    no_build: Annotated[bool, Option("--no-build", tells="Build nothing, even if an image is missing.")] = False,
    pull: Annotated[str, Option(tells="When to ask a registry: always, missing or never.")] = "",
    wait: Annotated[bool, Option("--wait", tells="Wait until all is running or healthy.")] = False,
    timeout: Annotated[float | None, Option("--timeout", "-t", tells="Seconds before SIGKILL.")] = None,
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
    if pull:
        one_of("--pull", pull, PULL_WORDS)
    one_at_most({"--force-recreate": force_recreate, "--no-recreate": no_recreate})
    one_at_most({"--always-recreate-deps": always_recreate_deps, "--no-recreate": no_recreate})
    one_at_most({"--renew-anon-volumes": renew_anon_volumes, "--no-recreate": no_recreate})
    one_at_most({"--build": build, "--no-build": no_build})
    options = Options(
        services=tuple(services or ()),
        scale=scale_of(scale or ()),
        force_recreate=force_recreate,
        recreate_dependencies=always_recreate_deps,
        no_recreate=no_recreate,
        no_dependencies=no_deps,
        no_start=no_start,
        no_build=no_build,
        pull=pull,
        wait=wait,
        grace_seconds=timeout,
        rerun_jobs=rerun_jobs,
        renew_anonymous_volumes=renew_anon_volumes,
        remove_orphans=remove_orphans or session.is_set("COMPOSE_REMOVE_ORPHANS"),
        ignore_orphans=session.is_set("COMPOSE_IGNORE_ORPHANS"),
        adopt=session.options.adopt,
        all_resources=session.options.all_resources,
    )
    found = show(session, options, build=build, output=output, out=out)
    return CHANGES if detailed_exitcode and found.steps else 0
