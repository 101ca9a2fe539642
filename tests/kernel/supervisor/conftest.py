"""A stack of containers made of a static busybox, driven through the real client."""

import contextlib
import os
import select
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from engine import syscalls
from engine.client import connect
from engine.errors import SupervisorError
from engine.layout import Layout, StackLayout
from engine.logfollow import Follower
from engine.logreader import read
from engine.protocol import (
    Create,
    EnsureNetwork,
    OneContainer,
    Picture,
    Remove,
    Request,
    Shutdown,
    Snapshot,
    Start,
    Stop,
    Wait,
)
from engine.spec import ContainerSpec, Process
from engine.state import ContainerRecord, ContainerState
from net.spec import Endpoint, NetworkSpec

LAYER = "ab" * 32
NETWORK = "shop_default"
_APPLETS = ("cat", "echo", "false", "kill", "nc", "nslookup", "ps", "seq", "sh", "sleep", "true", "usleep", "yes")


@pytest.fixture
def stack(roots: Layout) -> StackLayout:
    """A stack whose installation has one image layer."""
    programs = roots.images / "layers" / LAYER / "tree" / "bin"
    programs.mkdir(parents=True)
    shutil.copy("/bin/busybox", programs / "busybox")
    for name in _APPLETS:
        (programs / name).symlink_to("busybox")
    return roots.stack("shop")


class Driver:
    """A client with short words for what tests do again and again."""

    def __init__(self, stack: StackLayout) -> None:
        self.stack = stack
        self.client = connect(stack, spawn=True)
        self._made = 0

    @property
    def pid(self) -> int:
        return self.client.greeting.pid

    def spec(self, name: str, script: str, **fields: object) -> ContainerSpec:
        """A container that runs a shell script, connected to the stack's network."""
        self._made += 1
        spec = ContainerSpec(
            id=f"{self._made:02x}" * 32,
            name=f"shop-{name}-1",
            stack="shop",
            service=name,
            number=1,
            image_id=f"sha256:{LAYER}",
            image_name="busybox",
            layers=(f"sha256:{LAYER}",),
            process=Process(argv=("sh", "-c", script)),
            hostname=name,
            config_hash="",
            endpoints=(Endpoint(network=NETWORK),),
        )
        return msgspec.structs.replace(spec, **fields)

    def ask(self, request: Request) -> ContainerRecord:
        reply = self.client.ask(request)
        assert isinstance(reply, OneContainer), reply
        return reply.record

    def create(self, name: str, script: str, **fields: object) -> str:
        self.client.ask(EnsureNetwork(spec=NetworkSpec(name=NETWORK)))
        return self.ask(Create(spec=self.spec(name, script, **fields))).spec.id

    def start(self, name: str, script: str, **fields: object) -> str:
        return self.ask(Start(id=self.create(name, script, **fields))).spec.id

    def wait(self, container_id: str, condition: str = "exited") -> ContainerState:
        return self.ask(Wait(id=container_id, condition=condition)).state  # type: ignore[arg-type]

    def state(self, container_id: str) -> ContainerState:
        return {record.spec.id: record.state for record in self.picture().containers}[container_id]

    def picture(self) -> Picture:
        picture = self.client.ask(Snapshot())
        assert isinstance(picture, Picture)
        return picture

    def output(self, container_id: str) -> list[str]:
        return [line.text.decode() for line in read(self.stack.data(container_id))]

    def expect(self, container_id: str, text: str) -> None:
        """Waits until a container prints a line."""
        follower = Follower()
        try:
            seen = {line.text.decode() for line in follower.add("it", self.stack.data(container_id))}
            while text not in seen:
                assert select.select([follower], [], [], 10)[0], f"{text!r} is not printed: {seen}"
                seen |= {line.text.decode() for _name, line in follower.collect()}
        finally:
            follower.close()

    def expect_more(self, container_id: str) -> None:
        """Waits until a container's log grows."""
        follower = Follower()
        try:
            for _ in follower.begin("it", self.stack.data(container_id), tail=0):
                pass
            assert select.select([follower], [], [], 10)[0], "nothing is printed any more"
        finally:
            follower.close()

    def kill_supervisor(self) -> None:
        """As in `kill -9`: then there is none."""
        pid = self.pid
        os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)
        self.client.close()

    def take_over(self) -> None:
        """Starts another supervisor after `kill_supervisor`."""
        self.client = connect(self.stack, spawn=True)

    def clear(self) -> None:
        """Removes the stack as `down` does."""
        try:
            self.client.ask(Snapshot())
        except (SupervisorError, OSError):
            self.client = connect(self.stack, spawn=True)
        for record in self.picture().containers:
            self.client.ask(Stop(id=record.spec.id, grace_seconds=0))
            self.client.ask(Remove(id=record.spec.id))
        self.client.ask(Shutdown())
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)
        self.client.close()


@pytest.fixture
def driver(stack: StackLayout) -> Iterator[Driver]:
    driver = Driver(stack)
    yield driver
    log = stack.supervisor_log.read_text() if stack.supervisor_log.exists() else ""
    driver.clear()
    assert "Traceback" not in log, log


def wait_for_end(pidfd: int, seconds: float = 10.0) -> None:
    """Waits until a process that need not be a child ended."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    assert poll.poll(seconds * 1000), "the process goes on"


def wait_for_file(path: Path, seconds: float = 10.0) -> None:
    """Waits until a file appears in a directory that exists."""
    fd = syscalls.inotify_init1(os.O_CLOEXEC)
    try:
        syscalls.inotify_add_watch(fd, path.parent, 0x100)  # IN_CREATE
        while not path.exists():
            assert select.select([fd], [], [], seconds)[0], f"{path} does not appear"
            os.read(fd, 1 << 16)
    finally:
        os.close(fd)
