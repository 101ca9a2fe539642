"""Takes over what an earlier supervisor of the stack left, running or not."""

import contextlib
import os
import time
from functools import partial
from pathlib import Path

import msgspec

from engine import freezer, terminals
from engine.errors import EngineError, StateError
from engine.namespaces import exit_status_of_pin
from engine.processes import boot_id, has_ended, open_process
from engine.records import REMOVING_FILE, container_directories, read_spec, read_state, set_aside
from engine.state import ContainerState
from engine.supervisor.containers import Container
from engine.supervisor.creating import complete, end_unknown, finish_removal, release
from engine.supervisor.ending import end, let_go, on_end
from engine.supervisor.exits import exit_code_of_status
from engine.supervisor.loop import READABLE
from engine.supervisor.outputs import output_of
from engine.supervisor.probes import resume_probing
from engine.supervisor.removal import remove_in_slices
from engine.supervisor.selfremoval import remove_soon
from engine.supervisor.site import Site
from net.errors import NetError


def adopt(site: Site) -> None:
    """Adopts every container of the stack: runs on, ended, half made or half removed. Damaged records are set aside.

    Whatever has no record at all, because somebody removed the stack's directory, is ended and removed.
    """
    for problem in site.network.adopt():
        site.report(problem)
    _recover_output(site)
    for directory in container_directories(site.stack):
        try:
            _adopt_directory(site, directory)
        except (EngineError, NetError, OSError) as error:
            site.report(f"container {directory.name[:12]}: {error}")
    site.network.forget_others(site.containers.keys())
    known = {container_id[:12] for container_id in site.containers}
    for short_id in site.cgroups.container_ids() - known:
        try:
            end_unknown(site, short_id)
        except (EngineError, NetError, OSError) as error:
            site.report(f"container {short_id}: {error}")


def _adopt_directory(site: Site, directory: Path) -> None:
    if (directory / REMOVING_FILE).exists():
        finish_removal(site, directory)
        return
    try:
        spec = read_spec(directory)
    except StateError as error:
        site.report(f"{error.message}; the container is ended, its records are set aside in {set_aside(directory)}")
        release(site, directory.name)
        return
    if spec is None:  # cut off before anything else was made
        for _ in remove_in_slices(directory):
            pass
        return
    try:
        state = read_state(directory)
    except StateError as error:
        site.report(f"{error.message}; set aside as {set_aside(directory / 'state.json').name}")
        state = None
    container = Container(spec, state or ContainerState(id=spec.id))
    container.attempts = container.state.restarts
    site.containers[spec.id] = container
    site.owners.update(spec.namespaces.owners)
    if state is None:
        release(site, spec.id, spec.cgroup_parent)
        complete(site, container)
    elif state.status == "running":
        _adopt_running(site, container)
        return
    site.network.disconnect(spec.id)
    if (spec.remove_at_end or container.state.leaving) and container.state.status == "exited":
        remove_soon(site, container)
    if container.state.status == "restarting":
        container.cancel_restart = site.loop.call_later(0, partial(site.restart, container))


def _adopt_running(site: Site, container: Container) -> None:
    """Goes on with a container that ran: it may still run, or have ended with nobody watching."""
    identity = container.state.process
    pidfd = open_process(identity) if identity is not None else None
    if pidfd is None or identity is None:
        status = exit_status_of_pin(site.pin(container.spec.id))
        oom_killed = let_go(site, container)
        container.began = site.loop.now() - _seconds_ago(site, container)
        # What a reboot ended is for `restore` or `up` to start again, in the order of dependencies.
        rebooted = identity is not None and identity.boot_id != boot_id()
        exit_code = None if status is None else exit_code_of_status(status)
        end(site, container, exit_code, oom_killed=oom_killed, may_restart=not rebooted)
        return
    container.pidfd = pidfd
    container.is_child = False
    container.began = site.loop.now() - _seconds_ago(site, container)
    spec = container.spec
    container.output = output_of(site, container)
    for stream in container.output.read(identity.pid):
        site.report(f"{spec.name}: what it prints to {stream} cannot be read any more, its FIFO was removed")
    master = terminals.held_by(pidfd) if spec.process.terminal else None
    if master is not None:
        container.output.read_terminal(master)
    site.loop.watch(pidfd, READABLE, lambda _events: on_end(site, container))
    if has_ended(pidfd):  # whoever asks next must not be told that it runs
        on_end(site, container)
        return
    try:
        join = site.network.connect if site.network.is_anew else site.network.answer_names
        join(container.spec, container.state.attachments, identity.pid)
        if container.state.ports:  # the record of what it publishes may have been damaged
            published = msgspec.structs.replace(spec, ports=container.state.ports)
            site.network.publish(published, container.state.attachments)
    except (EngineError, NetError, OSError) as error:
        site.report(f"{container.spec.name}: {error}")
    if container.state.paused:
        freezer.freeze(site.cgroups.find(spec.id, spec.cgroup_parent))  # its pause may have been cut off
    else:
        resume_probing(site, container)


def _recover_output(site: Site) -> None:
    """Finishes the one write to a log that the earlier supervisor's death may have cut off."""
    unlogged = site.intake.unlogged() if site.intake is not None else None
    if unlogged is None:
        return
    with contextlib.suppress(StateError):  # it is told when the container is adopted
        spec = read_spec(site.stack.container(unlogged.container_id))
        if spec is not None:
            output_of(site, Container(spec, ContainerState(id=spec.id))).recover(unlogged)


def _seconds_ago(site: Site, container: Container) -> float:
    """How long ago the container was started: by its process, for the wall clock may have been set since."""
    identity = container.state.process
    if identity is not None and identity.boot_id == boot_id():
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - identity.start_ticks / os.sysconf("SC_CLK_TCK"))
    return max(0.0, (site.clock_ns() - container.state.started_ns) / 1e9)
