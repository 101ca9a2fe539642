"""Starts a container: its control group, ports, output, process and network, then the word that its program runs."""

import contextlib
import os
from functools import partial
from pathlib import Path

from engine.contents import ContentStore
from engine.disks import layer_place
from engine.errors import EngineError, StartError
from engine.joining import Join
from engine.namespaces import ensure_pins, pin_process, unpin
from engine.outcome import read_outcome
from engine.processes import identify
from engine.protocol import Action, Failure
from engine.spec import Confinement, ContainerSpec, ImageMount, VolumeMount
from engine.start import LaunchOrder, VolumeSource, launch
from engine.supervisor.containers import Answered, Container
from engine.supervisor.creating import write_identity_files
from engine.supervisor.ending import end, let_go, on_end
from engine.supervisor.givenfiles import write_given_files
from engine.supervisor.hooks import run_hooks
from engine.supervisor.identity import shared_identity_files
from engine.supervisor.loop import READABLE
from engine.supervisor.mending import complete_again
from engine.supervisor.outputs import output_of
from engine.supervisor.owners import running_owner
from engine.supervisor.probes import begin_probing
from engine.supervisor.site import Site
from engine.supervisor.stopping import stop_at_once
from engine.supervisor.stuck import failure as of_stuck
from engine.syscalls import Clone
from engine.terminals import WindowSize
from net.errors import NetError


def start(site: Site, container: Container, answer: Answered, *, action: Action = "start", aside: bool = False) -> None:
    """Starts a container and answers once its program runs, or cannot; one that runs already is answered as it is.

    One that is started `aside`, or again by its policy while it stands aside, is not led to by names and ports.
    """
    if container.state.half_removed:
        message = f"container {container.spec.name} cannot be started: its removal failed half way"
        answer(Failure(message=message, hint="`windlass rm -f` or `down` goes on with it, then `up` makes another"))
        return
    if container.state.unkillable:
        answer(of_stuck(container))
        return
    container.started.append(answer)
    if container.launching:
        return
    if container.running:
        container.answer(container.started, container.record)
        return
    container.cancel_restart()
    if action == "start":
        container.attempts = 0
        container.change(restarts=0, aside=aside)
    container.began = site.loop.now()
    container.was_healthy = False
    container.launching = True
    try:
        outcome_fd = _launch(site, container)
    except (EngineError, NetError, OSError) as error:
        _fail(site, container, error, action)
        return
    container.finish_launch = partial(_finish, site, container, outcome_fd, action)
    site.loop.add_reader(outcome_fd, container.finish_launch)
    site.loop.watch(container.pidfd, READABLE, lambda _events: on_end(site, container))


def restart(site: Site, container: Container) -> None:
    """Starts a container because its policy says so."""
    container.attempts += 1
    container.change(restarts=container.state.restarts + 1)
    start(site, container, lambda _reply: None, action="restart")


def _launch(site: Site, container: Container) -> int:
    """Makes the process; gives the descriptor that tells how its start went. Nothing is left when it raises."""
    spec, stack = container.spec, site.stack
    complete_again(site, container)
    with contextlib.ExitStack() as undo:
        cgroup = site.cgroups.make(
            spec.id, spec.limits, parent=spec.cgroup_parent, devices=_device_rules(spec.confinement)
        )
        undo.callback(cgroup.remove)
        undo.callback(unpin, site.pin(spec.id))
        undo.callback(site.network.disconnect, spec.id)
        container.change(
            status="running",
            health="starting" if spec.health is not None else "none",
            exit_code=None,
            oom_killed=False,
            started_ns=site.clock_ns(),
            stopped_by_user=False,
            failure="",
            health_output="",
            ports=() if container.state.aside else site.network.publish(spec, container.state.attachments),
        )
        network = None
        if not spec.namespaces.own_network:
            network = _join_network(site, container)
        joins = _join_family(site, container) if not spec.namespaces.own_users else ()
        given_files = stack.container(spec.id) / "files"
        write_given_files(spec, ContentStore(stack.contents), given_files, container.state.first_id)
        output = output_of(site, container)
        undo.callback(output.close)
        with contextlib.ExitStack() as far_ends:
            stdout, stderr = output.open_far_ends()
            far_ends.callback(os.close, stdout)
            far_ends.callback(os.close, stderr)
            stdin, container.stdin = (None if container.stdin < 0 else container.stdin), -1
            if stdin is not None:
                far_ends.callback(os.close, stdin)
            elif spec.process.stdin_open and not spec.process.terminal:
                stdin = output.open_stdin()
                far_ends.callback(os.close, stdin)
            layer = layer_place(stack.data(spec.id), spec)
            order = LaunchOrder(
                spec=spec,
                stdin=stdin,
                first_id=container.state.first_id,
                layer_directories=tuple(site.layer_directory(layer) for layer in spec.layers),
                upper=layer / "upper",
                work=layer / "work",
                volumes=_volumes(site, container),
                own_files=stack.container(spec.id) / "etc",
                stdout=stdout,
                stderr=stderr,
                cgroup=cgroup,
                cache=stack.roots.cache,
                given_files=given_files,
                image_layers=_image_layers(site, spec),
                network=network,
                joins=joins,
                window=container.window or WindowSize(),
            )
            output.read()
            launched = launch(order, connect=partial(_connect, site, container))
        undo.pop_all()
    container.pidfd = launched.pidfd
    container.is_child = True
    container.output = output
    if launched.terminal_fd is not None:
        output.read_terminal(launched.terminal_fd)
    return launched.outcome_fd


def _join_network(site: Site, container: Container) -> int | None:
    """Takes over what a container is known by in a network that is not its own; gives the pidfd of the one in it."""
    spec = container.spec
    owner = running_owner(site, spec, spec.namespaces.network, "network")
    etc = Path("/etc") if owner is None else site.stack.container(owner.spec.id) / "etc"
    gateway = "127.0.0.1" if owner is None else site.network.host_gateway(spec)
    files = shared_identity_files(spec, {name: _text(etc / name) for name in ("hosts", "resolv.conf")}, gateway)
    write_identity_files(site.stack.container(spec.id) / "etc", files)
    return None if owner is None else owner.pidfd


def _join_family(site: Site, container: Container) -> tuple[Join, ...]:
    """The namespaces of other containers that it joins, their user namespace last; it gets the ids of that."""
    spec = container.spec
    joins = []
    first_id = 0
    for wish, kind, what in (
        (spec.namespaces.ipc, Clone.NEWIPC, "IPC namespace"),
        (spec.namespaces.pid, Clone.NEWPID, "pid namespace"),
    ):
        owner = running_owner(site, spec, wish, what)
        if owner is not None:
            joins.append(Join(owner.pidfd, kind))
            first_id = owner.state.first_id
    if spec.namespaces.user:
        first_id = 0
    if joins and first_id:
        joins.append(Join(joins[-1].pidfd, Clone.NEWUSER))
    container.change(first_id=first_id)
    return tuple(joins)


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _device_rules(confinement: Confinement) -> tuple[str, ...] | None:
    if not confinement.devices and not confinement.device_rules:
        return None
    from engine import device_nodes  # noqa: PLC0415 - few containers use devices of the host

    return device_nodes.rules(confinement)


def _connect(site: Site, container: Container, pid: int) -> None:
    """Called when the process has its namespaces and waits for the word to go on: from here on it is known on disk."""
    container.change(process=identify(pid))
    ensure_pins(site.stack.pins)
    pin = site.pin(container.spec.id)
    unpin(pin)
    pidfd = os.pidfd_open(pid)
    try:
        pin_process(pidfd, pin)
    finally:
        os.close(pidfd)
    site.save(container)
    site.network.connect(container.spec, container.state.attachments, pid)


def _volumes(site: Site, container: Container) -> dict[str, VolumeSource]:
    """The named volumes that the container mounts."""
    sources = {}
    for mount in container.spec.mounts:
        if isinstance(mount, VolumeMount):
            volume = site.volumes.ensure(mount.volume, project=site.stack.name)
            sources[mount.volume] = VolumeSource(path=volume.data, fill=not mount.no_copy and not volume.filled)
    return sources


def _image_layers(site: Site, spec: ContainerSpec) -> dict[str, Path]:
    """Where the layers of the images are that the container mounts."""
    images = (mount for mount in spec.mounts if isinstance(mount, ImageMount))
    return {layer: site.layer_directory(layer) for mount in images for layer in mount.layers}


def _finish(site: Site, container: Container, outcome_fd: int, action: Action) -> None:
    """Takes the word of how the start went."""
    site.loop.remove_reader(outcome_fd)
    error = read_outcome(outcome_fd)
    container.finish_launch = None
    if error is not None:
        let_go(site, container)
        _fail(site, container, error, action)
        return
    container.launching = False
    begin_probing(site, container)
    if container.spec.name in site.owners:
        site.follow(container)
    site.tell(container, action)
    if container.spec.post_start:
        run_hooks(site, container, "post_start", container.spec.post_start, partial(_finish_hooks, site, container))
    else:
        container.answer(container.started, container.record)
    _run_later(container)


def _finish_hooks(site: Site, container: Container, failure: str) -> None:
    """Answers a start once its hooks are over; a container whose hook failed is stopped."""
    if not failure:
        container.answer(container.started, container.record)
        return
    hint = "it is stopped; `windlass logs` shows what it printed itself"
    waiting, container.started = container.started, []

    def tell(_stopped: object) -> None:
        container.change(failure=failure)
        site.save(container)
        container.answer(waiting, Failure(message=failure, hint=hint))

    stop_at_once(site, container, None, tell)


def _run_later(container: Container) -> None:
    """Does what was asked for while the start was under way."""
    later, container.after_launch = container.after_launch, []
    for callback in later:
        callback()


def _fail(site: Site, container: Container, error: EngineError | NetError | OSError, action: Action) -> None:
    """Records a failed start and answers it. A policy goes on trying only what it has started itself."""
    container.launching = False
    failure = _describe(container, error)
    end(site, container, failure.exit_code, failure=failure.message, may_restart=action == "restart")
    _run_later(container)
    container.answer(container.started, failure)


def _describe(container: Container, error: EngineError | NetError | OSError) -> Failure:
    if isinstance(error, StartError):
        return Failure(
            message=error.message, hint=error.hint, stage=error.stage, errno=error.errno, exit_code=error.exit_code
        )
    if isinstance(error, OSError):
        message = f"container {container.spec.name} cannot be started: {error}"
        return Failure(message=message, errno=error.errno or 0, exit_code=125)
    return Failure(message=error.message, hint=error.hint, errno=getattr(error, "errno", 0), exit_code=125)
