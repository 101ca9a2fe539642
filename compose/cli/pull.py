"""`windlass pull`."""

from typing import Annotated

from compose.cli.choices import one_of
from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.errors import StackError

POLICIES = ("missing", "always")


def command(
    session: Session,
    services: Annotated[list[str] | None, Argument("Only the images of these services.")] = None,
    *,
    ignore_buildable: Annotated[
        bool, Option("--ignore-buildable", tells="Leave out images that can be built.")
    ] = False,
    ignore_pull_failures: Annotated[
        bool, Option("--ignore-pull-failures", tells="Pull what can be pulled, fail for nothing.")
    ] = False,
    include_deps: Annotated[bool, Option("--include-deps", tells="Also what the services depend on.")] = False,
    policy: Annotated[str, Option(tells="missing or always.")] = "",
    quiet: Annotated[bool, Option("--quiet", "-q", tells="Say nothing while images are pulled.")] = False,
    parallel: Annotated[bool, Option("--parallel/--no-parallel", hidden=True)] = True,
) -> int:
    """Gets the images of services from their registries."""
    del parallel  # as in Compose, which always pulls side by side
    from compose.deciding.options import Options  # noqa: PLC0415 - likewise
    from compose.deciding.pulls import Wish, pulls_of  # noqa: PLC0415 - likewise
    from compose.deciding.selection import selected_services  # noqa: PLC0415 - likewise
    from compose.doing.image_reports import image_report, layer_reports  # noqa: PLC0415 - likewise
    from compose.doing.images import builders_of  # noqa: PLC0415 - likewise
    from compose.doing.plainlines import Silence  # noqa: PLC0415 - only here
    from compose.doing.pulling import pull_images, way_of  # noqa: PLC0415 - likewise
    from compose.doing.reports import Report  # noqa: PLC0415 - likewise
    from engine.images.store import ImageStore  # noqa: PLC0415 - likewise

    if policy:
        one_of("--policy", policy, POLICIES)
    session.refuse_dry_run("pull")
    session.require_root()
    stack = session.stack(services=tuple(services or ()))
    chosen = selected_services(stack, Options(services=tuple(services or ()), no_dependencies=not include_deps))
    store = ImageStore(session.layout.images, session.layout.cache)
    wish = Wish(policy=policy, ignore_buildable=ignore_buildable)
    actions, skipped = pulls_of(chosen, store.find, wish, builders_of(stack))
    progress = Silence() if quiet else session.progress("pull", actions)
    try:
        for name, reason in skipped:
            progress.report(Report(f"Image {name}", "Skipped", reason, over=True))
        failures = pull_images(
            actions,
            store,
            way_of(session.environment),
            on_step=lambda action, over: progress.report(image_report(action, over=over)),
            on_layer=layer_reports(progress),
        )
        for name, error in failures.items():
            progress.report(Report(f"Image {name}", "Error", error.message, over=True, failed=True))
    finally:
        progress.close()
    buildable = {service.image: service.name for service in chosen if service.build}
    for name in [name for name in failures if name in buildable]:
        session.warn(f"image {name} cannot be pulled", f"windlass build {buildable[name]} builds it")
    fatal = [error for name, error in failures.items() if name not in buildable]
    if fatal and not ignore_pull_failures:
        raise StackError("; ".join(error.message for error in fatal), hint=fatal[0].hint)
    return 0
