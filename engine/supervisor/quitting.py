"""Asks a container's first process to end, and ends everything in the container if it does not."""

import contextlib
import signal
from functools import partial

from engine.signals import signal_number
from engine.supervisor.containers import Container
from engine.supervisor.site import Site
from engine.supervisor.stuck import expect_end


def ask_to_quit(site: Site, container: Container, grace_seconds: float) -> None:
    """Sends the stop signal now, and kills what still runs after the grace period."""
    if container.state.unkillable:
        _kill_all(site, container)
        return
    send(site, container, signal_number(container.spec.stop_signal))
    container.cancel_kill()
    container.cancel_kill = site.loop.call_later(grace_seconds, partial(_kill_all, site, container))


def send(site: Site, container: Container, number: int) -> None:
    """Sends the first process a signal."""
    if number == signal.SIGKILL:
        expect_end(site, container)
    with contextlib.suppress(ProcessLookupError):  # it has ended; the loop is about to learn it
        signal.pidfd_send_signal(container.pidfd, number)


def _kill_all(site: Site, container: Container) -> None:
    """Ends the first process, which takes everything in its pid namespace with it, and whatever joined its group."""
    send(site, container, signal.SIGKILL)
    site.cgroups.find(container.spec.id, container.spec.cgroup_parent).kill()
