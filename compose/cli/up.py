"""`windlass up`."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

from msgspec import structs

from compose.cli.bringing import Showing, Way, bring_up
from compose.cli.choices import PULL_WORDS, one_at_most, one_of
from compose.cli.options import Argument, Option
from compose.cli.scales import scale_of
from compose.cli.session import Session
from compose.deciding.options import Options

if TYPE_CHECKING:
    from compose.terminal.foreground import AbortWhen


def command(
    session: Session,
    services: Annotated[list[str] | None, Argument("Only these services and what they need.")] = None,
    *,
    detach: Annotated[bool, Option("--detach", "-d", tells="Leave the stack running, show no logs.")] = False,
    wait: Annotated[bool, Option("--wait", tells="Wait until all is running or healthy; implies -d.")] = False,
    wait_timeout: Annotated[float | None, Option(tells="Most seconds to wait with --wait.")] = None,
    build: Annotated[bool, Option("--build", tells="Build images anew first.")] = False,
    no_build: Annotated[bool, Option("--no-build", tells="Build nothing, even if an image is missing.")] = False,
    force_recreate: Annotated[bool, Option("--force-recreate", tells="Make containers anew.")] = False,
    no_recreate: Annotated[bool, Option("--no-recreate", tells="Keep containers, whatever has changed.")] = False,
    always_recreate_deps: Annotated[
        bool, Option("--always-recreate-deps", tells="Make those anew, too, that the services depend on.")
    ] = False,
    renew_anon_volumes: Annotated[
        bool, Option("--renew-anon-volumes", "-V", tells="Make anonymous volumes anew; their data is lost.")
    ] = False,
    rerun_jobs: Annotated[bool, Option("--rerun-jobs", tells="Run again, too, what has finished its work.")] = False,
    atomic: Annotated[
        bool,
        Option("--atomic", tells="All or nothing: if it fails, take back what it made; keep what failed, stopped."),
    ] = False,
    no_start: Annotated[bool, Option("--no-start", tells="Make containers, start none; implies -d.")] = False,
    dry_run: Annotated[bool, Option("--dry-run", tells="Show the plan; change nothing.")] = False,
    remove_orphans: Annotated[bool, Option("--remove-orphans", tells="Remove what the file lacks.")] = False,
    no_deps: Annotated[bool, Option("--no-deps", tells="Leave out what the services depend on.")] = False,
    scale: Annotated[list[str] | None, Option(tells="SERVICE=NUMBER of replicas; may be repeated.")] = None,
    timeout: Annotated[float | None, Option("--timeout", "-t", tells="Seconds before SIGKILL.")] = None,
    abort_on_container_exit: Annotated[
        bool, Option("--abort-on-container-exit", tells="Stop all when one container ends.")
    ] = False,
    abort_on_container_failure: Annotated[
        bool, Option("--abort-on-container-failure", tells="Stop all when one container fails.")
    ] = False,
    exit_code_from: Annotated[str, Option(tells="Stop all when one ends; give this service's status.")] = "",
    attach: Annotated[list[str] | None, Option(tells="Show the output of these services only.")] = None,
    attach_dependencies: Annotated[
        bool, Option("--attach-dependencies", tells="Show what the services depend on, too.")
    ] = False,
    no_attach: Annotated[list[str] | None, Option(tells="Do not show these services' output.")] = None,
    no_color: Annotated[bool, Option("--no-color", tells="Log prefixes without colours.")] = False,
    no_log_prefix: Annotated[bool, Option("--no-log-prefix", tells="Logs without prefixes.")] = False,
    timestamps: Annotated[bool, Option("--timestamps", tells="When each line was written.")] = False,
    pull: Annotated[str, Option(tells="When to ask a registry: always, missing or never.")] = "",
    quiet_pull: Annotated[bool, Option("--quiet-pull", tells="Say nothing while images are pulled.")] = False,
    quiet_build: Annotated[bool, Option("--quiet-build", tells="Say nothing while images are built.")] = False,
    plan_file: Annotated[str, Option("--plan", tells="Do what this file of `plan --out` says, or nothing.")] = "",
    watch: Annotated[bool, Option("--watch", "-w", tells="Follow changed files as `watch` does.")] = False,
    menu: Annotated[bool, Option("--menu", tells="Keys beside the output: d detaches, w watches.")] = False,
    yes: Annotated[bool, Option("--yes", "-y", tells="Ask nothing: lose the data of changed volumes.")] = False,
) -> int:
    """Makes and starts what the file asks for, then shows its logs until Ctrl-C."""
    menu = menu or session.is_set("COMPOSE_MENU")
    if pull:
        one_of("--pull", pull, PULL_WORDS)
    options = Options(
        services=tuple(services or ()),
        scale=scale_of(scale or ()),
        no_dependencies=no_deps,
        force_recreate=force_recreate,
        recreate_dependencies=always_recreate_deps,
        no_recreate=no_recreate,
        no_start=no_start,
        no_build=no_build,
        rerun_jobs=rerun_jobs,
        adopt=session.options.adopt,
        renew_anonymous_volumes=renew_anon_volumes,
        pull=pull,
        all_resources=session.options.all_resources,
        remove_orphans=remove_orphans or session.is_set("COMPOSE_REMOVE_ORPHANS"),
        ignore_orphans=session.is_set("COMPOSE_IGNORE_ORPHANS"),
        wait=wait,
        grace_seconds=timeout,
    )
    one_at_most({"--force-recreate": force_recreate, "--no-recreate": no_recreate})
    one_at_most({"--always-recreate-deps": always_recreate_deps, "--no-recreate": no_recreate})
    one_at_most({"--renew-anon-volumes": renew_anon_volumes, "--no-recreate": no_recreate})
    one_at_most({"--build": build, "--no-build": no_build})
    detach = detach or wait or no_start
    aborts = {
        "--abort-on-container-exit": abort_on_container_exit,
        "--abort-on-container-failure": abort_on_container_failure,
    }
    one_at_most(aborts)
    one_at_most({"--detach, --wait or --no-start": detach, "--watch": watch})
    for option, given in {**aborts, "--exit-code-from": bool(exit_code_from)}.items():
        one_at_most({"--detach, --wait or --no-start": detach, option: given})
    kept = None
    if plan_file:
        from compose.cli.planned import planned  # noqa: PLC0415 - only here

        kept = planned(session, plan_file, options, build=build)
        options = structs.replace(kept.options, wait=wait, grace_seconds=timeout)
        build = kept.build
    if dry_run:
        from compose.cli.preview import show  # noqa: PLC0415 - only here

        show(session, options, build=build)
        return 0
    session.require_root()
    showing = Showing(
        color=not no_color,
        prefix=not no_log_prefix,
        timestamps=timestamps,
        attach=tuple(attach or ()),
        dependencies=attach_dependencies,
        hide=tuple(no_attach or ()),
    )
    beside = None
    if watch or menu:
        from compose.cli.vigil import Vigil, beside_output  # noqa: PLC0415 - only here

        vigil = Vigil(tuple(services or ()), quiet=quiet_build)
        beside = partial(beside_output, session, vigil, required=watch)
    way = Way(
        options=options,
        build=build,
        kept=kept,
        quiet_build=quiet_build,
        quiet_pull=quiet_pull,
        atomic=atomic,
        sure=yes,
        timeout_seconds=wait_timeout,
        showing=None if detach else showing,
        beside=beside,
        watching=watch,
        menu=menu,
        abort=_abort(exit_code_from, failed=abort_on_container_failure, any_end=abort_on_container_exit),
    )
    return bring_up(session, way)


def _abort(service: str, *, failed: bool, any_end: bool) -> "AbortWhen | None":
    if not (service or failed or any_end):
        return None
    from compose.terminal.foreground import AbortWhen  # noqa: PLC0415 - whoever detaches needs none of it

    return AbortWhen("failed" if failed else "any", service)
