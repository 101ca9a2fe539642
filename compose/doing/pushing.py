"""Pushes images, one after the other: what two of them have in common is sent once."""

from collections.abc import Callable, Iterable, Mapping

from compose.doing.pulling import way_of
from compose.doing.reports import Progress, Report
from engine.errors import EngineError
from engine.images.store import ImageStore
from engine.registries.pushing import push
from engine.registries.terms import LayerNews


def push_images(
    names: Iterable[str],
    store: ImageStore,
    environment: Mapping[str, str],
    progress: Progress,
    on_layer: Callable[[LayerNews], None],
) -> dict[str, EngineError]:
    """Gives registries the images of those names and returns the failures by name.

    `environment` says where this user's credentials for registries are.
    """
    way = way_of(environment)
    failures: dict[str, EngineError] = {}
    for name in names:
        progress.report(Report(f"Image {name}", "Pushing"))
        try:
            pushed = push(store, name, way, on_layer)
        except EngineError as error:
            failures[name] = error
            progress.report(Report(f"Image {name}", "Error", error.message, over=True, failed=True))
        else:
            progress.report(Report(f"Image {name}", "Pushed", f"{pushed.digest} {pushed.size} bytes", over=True))
    return failures
