"""`windlass push`."""

from typing import Annotated

from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.errors import StackError


def command(
    session: Session,
    services: Annotated[list[str] | None, Argument("Only the images of these services, or images by name.")] = None,
    *,
    ignore_push_failures: Annotated[
        bool, Option("--ignore-push-failures", tells="Push what can be pushed, fail for nothing.")
    ] = False,
    include_deps: Annotated[bool, Option("--include-deps", tells="Also what the services depend on.")] = False,
    quiet: Annotated[bool, Option("--quiet", "-q", tells="Say nothing while images are pushed.")] = False,
) -> int:
    """Gives the images that services build to their registries."""
    from compose.doing.image_reports import layer_reports  # noqa: PLC0415 - likewise
    from compose.doing.plainlines import Silence  # noqa: PLC0415 - only here
    from compose.doing.pushing import push_images  # noqa: PLC0415 - likewise
    from compose.doing.reports import Report  # noqa: PLC0415 - likewise
    from engine.images.store import ImageStore  # noqa: PLC0415 - likewise

    session.refuse_dry_run("push")
    session.require_root()
    names, skipped = _chosen(session, tuple(services or ()), include_deps=include_deps)
    store = ImageStore(session.layout.images, session.layout.cache)
    progress = Silence() if quiet else session.progress("push", ())
    try:
        for name, reason in skipped:
            progress.report(Report(f"Image {name}", "Skipped", reason, over=True))
        failures = push_images(names, store, session.environment, progress, layer_reports(progress))
    finally:
        progress.close()
    if failures and not ignore_push_failures:
        first = next(iter(failures.values()))
        raise StackError("; ".join(error.message for error in failures.values()), hint=first.hint)
    return 0


def _chosen(
    session: Session, words: tuple[str, ...], *, include_deps: bool
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """The images that are meant, and what is left out of them with the reason."""
    images = tuple(word for word in words if "/" in word or ":" in word)  # no service is called so
    services = tuple(word for word in words if word not in images)
    if images and not services:
        return images, ()
    from compose.deciding.options import Options  # noqa: PLC0415 - likewise
    from compose.deciding.pushes import pushes_of  # noqa: PLC0415 - only here
    from compose.deciding.selection import selected_services  # noqa: PLC0415 - likewise

    stack = session.stack(services=services)
    found, skipped = pushes_of(selected_services(stack, Options(services=services, no_dependencies=not include_deps)))
    return (*found, *images), skipped
