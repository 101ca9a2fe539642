"""Starts real containers without a supervisor, looks at them and clears them away."""

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from engine import cgroups, device_nodes, idranges
from engine.enter import Entered, Entry, enter
from engine.enter import read_outcome as read_entry
from engine.errors import StartError
from engine.layout import Layout
from engine.processes import kill_and_reap
from engine.spec import BindMount, ContainerSpec, Process
from engine.start import Launched, LaunchOrder, VolumeSource, launch, read_outcome
from engine.terminals import WindowSize


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What a program said and how it ended: an exit code, or minus a signal's number."""

    output: str
    code: int


@dataclass(frozen=True, kw_only=True)
class Box:
    """A container that was started."""

    spec: ContainerSpec
    first_id: int
    launched: Launched
    output: int
    upper: Path
    cgroup: cgroups.Cgroup

    def wait(self) -> Ended:
        """Reads what it says until its end."""
        return _end_of(self.launched.pidfd, self.output)

    def enter(self, *argv: str, window: WindowSize | None = None, **process: Any) -> Ended:
        """Runs a program inside and waits for its end."""
        reading, writing = os.pipe()
        null = os.open(os.devnull, os.O_RDWR)
        entered: Entered = enter(
            Entry(
                process=Process(argv=argv, **process),
                container=self.launched.pidfd,
                spec=self.spec,
                cgroup=self.cgroup,
                stdin=null,
                stdout=writing,
                stderr=writing,
                window=window,
            )
        )
        os.close(writing)
        os.close(null)
        error = read_entry(entered.outcome_fd)
        if entered.terminal_fd is not None:
            os.close(reading)
            reading = entered.terminal_fd
        try:
            ended = _end_of(entered.pidfd, reading)
        finally:
            os.close(reading)
            kill_and_reap(entered.pidfd)
            os.close(entered.pidfd)
        if error is not None:
            raise error
        return ended


@dataclass(kw_only=True)
class Boxes:
    """Starts containers and clears them away."""

    roots: Layout
    layer: Path
    group: cgroups.Cgroups
    boxes: list[Box] = field(default_factory=list)

    def start(
        self,
        *argv: str,
        layers: tuple[Path, ...] = (),
        volumes: Mapping[str, VolumeSource] | None = None,
        image_layers: Mapping[str, Path] | None = None,
        connect: Callable[[int], None] = lambda _pid: None,
        container_id: str = "",
        **given: Any,
    ) -> Box:
        """Starts a program in a container of its own; StartError when it does not come to run."""
        spec = make_spec(container_id or os.urandom(32).hex(), argv, given)
        data = self.roots.container_data(spec.id)
        files = self.roots.run / "files"
        files.mkdir(exist_ok=True)
        for name in ("hosts", "hostname", "resolv.conf"):
            (files / name).write_text(f"the engine's {name}\n")
        devices = device_nodes.rules(spec.confinement)
        cgroup = self.group.make(spec.id, spec.limits, parent=spec.cgroup_parent, devices=devices)
        first_id = idranges.lease_range(self.roots.id_ranges, spec.id)
        reading, writing = os.pipe()
        os.fchmod(writing, 0o666)
        order = LaunchOrder(
            spec=spec,
            first_id=first_id,
            layer_directories=layers or (self.layer,),
            upper=data / "upper",
            work=data / "work",
            own_files=files,
            cgroup=cgroup,
            stdout=writing,
            stderr=writing,
            volumes=volumes or {},
            image_layers=image_layers or {},
            cache=self.roots.cache,
        )
        try:
            launched = launch(order, connect=connect)
        except BaseException:
            os.close(reading)
            cgroup.kill()
            cgroup.remove()
            raise
        finally:
            os.close(writing)
        box = Box(spec=spec, first_id=first_id, launched=launched, output=reading, upper=data / "upper", cgroup=cgroup)
        self.boxes.append(box)
        failure = read_outcome(launched.outcome_fd)
        if failure is not None:
            raise failure
        return box

    def run(self, *argv: str, **given: Any) -> Ended:
        """Runs a program in a container to its end."""
        return self.start(*argv, **given).wait()

    def sh(self, script: str, **given: Any) -> Ended:
        """Runs a shell script in a container to its end."""
        return self.run("sh", "-c", script, **given)

    def python(self, script: str, **given: Any) -> Ended:
        """Runs a Python script in a container to its end, with this machine's own Python."""
        mounts = (*given.pop("mounts", ()), *python_mounts())
        return self.run(os.path.realpath(sys.executable), "-I", "-c", script, mounts=mounts, **given)

    def failure(self, *argv: str, **given: Any) -> StartError:
        """Starts what cannot start, and returns why."""
        with pytest.raises(StartError) as caught:
            self.start(*argv, **given)
        return caught.value

    def clear(self) -> None:
        """Ends every container and removes its control groups."""
        for box in self.boxes:
            box.cgroup.kill()
            kill_and_reap(box.launched.pidfd)
            os.close(box.launched.pidfd)
            os.close(box.output)
            box.cgroup.remove()
        self.group.remove_all()
        for directory in (self.roots.run / "files", self.roots.data / "containers", self.roots.id_ranges):
            shutil.rmtree(directory, ignore_errors=True)


def make_spec(container_id: str, argv: tuple[str, ...], given: dict[str, Any]) -> ContainerSpec:
    """A spec of which only what matters to a test is said."""
    own = ("user", "groups", "working_directory", "environment", "terminal", "stdin_open")
    process = {key: given.pop(key) for key in own if key in given}
    return ContainerSpec(
        id=container_id,
        name="web-1",
        stack="test",
        service="web",
        number=1,
        image_id="",
        image_name="",
        layers=(),
        process=Process(argv=argv, **process),
        hostname="web",
        config_hash="",
        **given,
    )


def python_mounts() -> tuple[BindMount, ...]:
    """What this machine's Python needs of it."""
    places = dict.fromkeys(("/usr", "/lib", "/lib64", os.path.realpath(sys.base_prefix)))
    return tuple(
        BindMount(source=os.path.realpath(place), target=place, read_only=True)
        for place in places
        if Path(place).exists() and (place == "/usr" or not place.startswith("/usr/"))
    )


def _end_of(pidfd: int, output: int) -> Ended:
    said = b""
    try:
        while chunk := os.read(output, 65536):
            said += chunk
    except OSError:  # a terminal whose other end is closed
        pass
    result = os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOWAIT)
    assert result is not None
    code = result.si_status if result.si_code == os.CLD_EXITED else -result.si_status
    return Ended(output=said.decode(), code=code)
