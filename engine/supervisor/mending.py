"""Puts back what somebody removed of a stack under its living supervisor."""

import os

from engine.disks import layer_place
from engine.errors import EngineError
from engine.namespaces import ensure_pins, pin_process
from engine.records import SPEC_FILE, STATE_FILE, write_spec
from engine.supervisor.containers import Container
from engine.supervisor.creating import complete
from engine.supervisor.inspecting import troubles
from engine.supervisor.site import Site
from net.errors import NetError


def mend(site: Site) -> None:
    """Writes records again, pins and links again what is gone; the log tells what was."""
    try:
        if site.containers and not os.path.ismount(site.stack.pins):
            _pin_again(site)
        for told in site.network.mend():
            site.report(told)
    except (EngineError, NetError, OSError) as error:
        site.report(f"what somebody removed cannot be put back: {error}")
    for container in site.containers.values():
        if not container.removing:
            _keep_records(site, container)
            _look_at(site, container)


def _look_at(site: Site, container: Container) -> None:
    """Tells once what is wrong with a running container, and when it is over."""
    found = troubles(site, container)
    if found == container.state.troubles:
        return
    for trouble in (each for each in found if each not in container.state.troubles):
        site.report(f"{container.spec.name}: {trouble}")
    container.change(troubles=found)
    site.save(container)
    site.tell(container, "trouble")


def complete_again(site: Site, container: Container) -> None:
    """Makes again what a container that is to be started should have and has not: its layer, FIFOs, identity."""
    run = site.stack.container(container.spec.id)
    layer = layer_place(site.stack.data(container.spec.id), container.spec)
    needed = (run / "stdout", run / "stderr", run / "etc" / "hosts", layer / "upper", layer / "work")
    missing = [str(path) for path in needed if not path.exists()]
    if missing:
        site.report(f"{container.spec.name}: made again, as somebody removed it: {', '.join(missing)}")
        _keep_records(site, container)
        complete(site, container)


def _keep_records(site: Site, container: Container) -> None:
    directory = site.stack.container(container.spec.id)
    lost_spec = not (directory / SPEC_FILE).exists()
    if not lost_spec and (directory / STATE_FILE).exists():
        return
    try:
        if lost_spec:
            write_spec(site.stack, container.spec)
    except OSError as error:
        site.report(f"the records of {container.spec.name} are gone and cannot be written again: {error}")
        return
    site.report(f"the records of {container.spec.name} were gone: written again")
    site.save(container)


def _pin_again(site: Site) -> None:
    """Keeps exit records readable for the next supervisor, as before."""
    ensure_pins(site.stack.pins)
    for container in site.containers.values():
        if container.running:
            pin_process(container.pidfd, site.pin(container.spec.id))
