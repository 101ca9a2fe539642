"""Gives a container of a site its output, and takes note of what of it could not be kept."""

from functools import partial

from engine.supervisor.containers import Container
from engine.supervisor.logs import Output
from engine.supervisor.site import Site


def output_of(site: Site, container: Container) -> Output:
    """What reads the container's output, for one run of it."""
    spec = container.spec
    return Output(
        site.stack.container(spec.id),
        site.stack.data(spec.id),
        site.loop,
        spec.log,
        clock_ns=site.clock_ns,
        audience=container.audience,
        intake=site.intake,
        arrivals=site.arrivals,
        on_loss=partial(_note_loss, site, container, container.state.dropped_bytes),
    )


def _note_loss(site: Site, container: Container, before: int, lost: int) -> None:
    dropped = before + lost
    site.report(f"{container.spec.name}: its log cannot be written, {dropped} bytes of output were dropped")
    container.change(dropped_bytes=dropped)
    site.save(container)
    site.tell(container, "drop")
