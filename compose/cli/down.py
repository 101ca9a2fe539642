"""`windlass down`."""

import contextlib
import sys
from typing import TYPE_CHECKING, Annotated

from compose import naming
from compose.cli.choices import one_of
from compose.cli.options import Argument, Option
from compose.cli.ownership import require_own
from compose.cli.session import Session
from compose.deciding.observed import Observed
from compose.deciding.plan_down import DownOptions, plan_down
from compose.doing.carrying_out import carry_out
from compose.errors import FileError
from engine.layout import StackLayout
from engine.leftovers import boot_time, remove_leftovers
from engine.volumes import VolumeStore

if TYPE_CHECKING:
    from compose.model import Stack


def command(
    session: Session,
    services: Annotated[list[str] | None, Argument("Only these services.")] = None,
    *,
    volumes: Annotated[bool, Option("--volumes", "-v", tells="Remove the stack's volumes with their data.")] = False,
    rmi: Annotated[str, Option(tells="Remove images: local (without a name of their own) or all.")] = "",
    timeout: Annotated[float | None, Option("--timeout", "-t", tells="Seconds before SIGKILL.")] = None,
    remove_orphans: Annotated[bool, Option("--remove-orphans", tells="Remove what the file lacks, too.")] = False,
    dry_run: Annotated[bool, Option("--dry-run", tells="Show the plan; change nothing.")] = False,
) -> int:
    """Stops the stack, removes what was made for it. Without a file, name the stack with -p."""
    if rmi:
        one_of("--rmi", rmi, ("local", "all"))
    session.require_root()
    name = session.stack_name()
    place = session.layout.stack(name)
    with contextlib.ExitStack() as resources:
        if not (dry_run or session.options.dry_run):
            resources.enter_context(session.lock(place, "down"))
            VolumeStore(session.layout.volumes).sweep()
            remove_leftovers(session.layout, booted_at=boot_time())
        connection = resources.enter_context(session.connection(place))
        observed = connection.observe()
        require_own(session, name, observed.containers)
        # YAML takes longer to load than most stacks to go away: the file is read only if its lines leave doubts.
        services_seen = {record.spec.service for record in observed.containers}
        stack = None if not rmi and (remove_orphans or session.speaks_of(services_seen)) else _file_of(session, name)
        options = DownOptions(
            services=tuple(services or ()),
            volumes=volumes,
            images=_images(session, name, observed, stack, rmi),
            grace_seconds=timeout,
            known_services=(*stack.services, *stack.disabled) if stack else None,
            remove_orphans=remove_orphans or session.is_set("COMPOSE_REMOVE_ORPHANS"),
        )
        found = plan_down(name, observed, options, exists=_exists(place))
        for warning in found.warnings:
            session.warn(warning)
        if dry_run or session.options.dry_run:
            from compose.showing.plan_text import plan_text  # noqa: PLC0415 - only here

            sys.stdout.write(plan_text(found))
            return 0
        if not found.steps:
            session.tell(_nothing_to_do(name, observed))
            return 0
        progress = session.progress("down", tuple(step.action for step in found.steps))
        failed = carry_out(
            found,
            connection,
            session.layout,
            progress=progress,
            persist=True,
            records=observed.containers,
            parallel=session.parallel,
        )
        if any(volume.options for volume in observed.volumes):
            from compose.doing.volume_mounts import detach_volumes  # noqa: PLC0415 - few volumes have options

            detach_volumes(place)
        if place.contents.exists():
            from compose.doing.contents import forget_contents  # noqa: PLC0415 - most stacks have none

            forget_contents(place)
    if failed:
        from compose.cli.outcomes import show_failures  # noqa: PLC0415 - only here

        return show_failures(failed)
    return 0


def _nothing_to_do(name: str, observed: Observed) -> str:
    """Why there is nothing to remove."""
    if observed.containers:
        return f"Nothing of stack {name} was to be removed."
    volumes = [volume.name for volume in observed.volumes if volume.project == name]
    rest = f"; its volumes stay ({', '.join(volumes)}), down -v removes them" if volumes else ""
    return f"Stack {name} is not there: nothing to do{rest}."


def _file_of(session: Session, name: str) -> "Stack | None":
    """The stack's file if there is one that can be read: it tells orphans, but `down` goes without it."""
    if session.options.project_name and not session.options.files:
        with contextlib.suppress(FileError):
            return session.stack()
        return None
    try:
        return session.stack()
    except FileError as error:
        session.warn(f"{error}\ndown goes on with what exists of stack {name}")
        return None


def _exists(place: StackLayout) -> bool:
    """Whether the stack has anything at run time besides locks: on disk, or in the kernel when that was removed."""
    if any(path.exists() for path in (place.socket, place.containers, place.networks, place.pins)):
        return True
    from engine.traces import in_kernel  # noqa: PLC0415 - few stacks have nothing

    return in_kernel(place)


def _images(session: Session, name: str, observed: Observed, stack: "Stack | None", choice: str) -> tuple[str, ...]:
    """The names of images to remove: `local` are those that were named after their service.

    Those that other stacks' containers need stay.
    """
    if not choice:
        return ()
    used = {record.spec.image_name: record.spec.service for record in observed.containers}
    separator = stack.separator if stack else "-"
    for service in stack.services.values() if stack else ():
        used.setdefault(service.image or naming.image_name(name, service.name, separator), service.name)
    from engine.housekeeping.uses import uses  # noqa: PLC0415 - only here

    needed = {use.image_name: use for use in uses(session.layout) if use.stack != name}
    chosen = [
        image
        for image, service in sorted(used.items())
        if choice == "all" or image in {naming.image_name(name, service), naming.image_name(name, service, "_")}
    ]
    for image in chosen:
        if image in needed:
            user = needed[image]
            session.warn(f"image {image} stays: {user.container} of stack {user.stack} needs it")
    return tuple(image for image in chosen if image not in needed)
