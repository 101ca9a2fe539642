"""`windlass create`."""

from typing import Annotated

from compose.cli.bringing import Way, bring_up
from compose.cli.choices import PULL_WORDS, one_at_most, one_of
from compose.cli.options import Argument, Option
from compose.cli.scales import scale_of
from compose.cli.session import Session
from compose.deciding.options import Options


def command(
    session: Session,
    services: Annotated[list[str] | None, Argument("Only these services and what they need.")] = None,
    *,
    build: Annotated[bool, Option("--build", tells="Build images anew first.")] = False,
    no_build: Annotated[bool, Option("--no-build", tells="Build nothing, even if an image is missing.")] = False,
    force_recreate: Annotated[bool, Option("--force-recreate", tells="Make containers anew.")] = False,
    no_recreate: Annotated[bool, Option("--no-recreate", tells="Keep containers, whatever has changed.")] = False,
    remove_orphans: Annotated[bool, Option("--remove-orphans", tells="Remove what the file lacks.")] = False,
    scale: Annotated[list[str] | None, Option(tells="SERVICE=NUMBER of replicas; may be repeated.")] = None,
    pull: Annotated[str, Option(tells="When to ask a registry: always, missing or never.")] = "",
    quiet_pull: Annotated[bool, Option("--quiet-pull", tells="Say nothing while images are pulled.")] = False,
    yes: Annotated[bool, Option("--yes", "-y", tells="Ask nothing: lose the data of changed volumes.")] = False,
) -> int:
    """Makes what the file asks for, and starts nothing."""
    if pull:
        one_of("--pull", pull, PULL_WORDS)
    one_at_most({"--force-recreate": force_recreate, "--no-recreate": no_recreate})
    one_at_most({"--build": build, "--no-build": no_build})
    session.require_root()
    options = Options(
        services=tuple(services or ()),
        scale=scale_of(scale or ()),
        force_recreate=force_recreate,
        no_recreate=no_recreate,
        no_start=True,
        no_build=no_build,
        pull=pull,
        all_resources=session.options.all_resources,
        remove_orphans=remove_orphans or session.is_set("COMPOSE_REMOVE_ORPHANS"),
        ignore_orphans=session.is_set("COMPOSE_IGNORE_ORPHANS"),
    )
    return bring_up(session, Way(options, verb="create", build=build, sure=yes, quiet_pull=quiet_pull))
