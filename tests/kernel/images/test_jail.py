"""Whoever unpacks a layer can reach nothing, and ends with whom it serves."""

import gzip
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from engine import syscalls
from engine.errors import EngineError, ImageError
from engine.images import cell, jail
from engine.images.jail import Jail
from tests.registry import archive, digest_of, entry, file


@pytest.fixture
def home(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "home").mkdir()
    handle = os.open(tmp_path / "home", os.O_RDONLY | os.O_DIRECTORY)
    yield handle
    os.close(handle)


@pytest.fixture
def blob() -> Iterator[int]:
    handle = os.memfd_create("blob")
    yield handle
    os.close(handle)


def test_a_layer_is_unpacked_by_another_process(tmp_path: Path, home: int, blob: int) -> None:
    content = archive(file("d/f", b"content", 0o4755), entry("d/n", b"3"), file("e/.wh.x"), file("e/.wh..wh..opq"))
    os.write(blob, gzip.compress(content))
    with Jail(tmp_path / "cache") as made:
        diff_id, facts = made.unpack(blob, home)
    assert diff_id == digest_of(content)
    assert facts.privileged_files
    assert sorted(os.listdir(tmp_path / "home")) == ["recipe", "tree"]
    assert (tmp_path / "home/tree/d/f").read_bytes() == b"content"
    assert os.getxattr(tmp_path / "home/tree/e", "trusted.overlay.opaque") == b"y"


def in_cell(program: bytes, home: int, attempt: Callable[[int], object]) -> str:
    """What becomes of an attempt in a jailed child, given the mount that it may write to."""
    reader, writer = os.pipe()
    mount = jail.mount_for_unpacking(home)
    pid = os.fork()
    if pid == 0:
        said = "nothing"
        with suppress(BaseException):
            cell.leave_host()
            cell.shut((mount, writer), program)
            try:
                said = f"done: {attempt(mount)}"
            except EngineError as error:
                said = error.message
            except OSError as error:
                said = os.strerror(error.errno or 0)
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    os.close(mount)
    os.waitpid(pid, 0)
    with os.fdopen(reader, "rb") as told:
        return told.read().decode()


DENIED = "Operation not permitted"
ABSENT = "No such file or directory"
ATTEMPTS: dict[str, tuple[Callable[[int], object], str]] = {
    "read a file of the host": (lambda _: os.open("/etc/passwd", os.O_RDONLY), ABSENT),
    "see the host's processes": (lambda _: os.open("/proc/self/status", os.O_RDONLY), ABSENT),
    "go up": (lambda mount: sorted(os.listdir(os.open("../../..", os.O_RDONLY, dir_fd=mount))), DENIED),
    "open what lies above": (lambda mount: os.open("../outside", os.O_RDONLY, dir_fd=mount), ABSENT),
    "go through a link": (
        lambda mount: os.open("link", os.O_RDONLY, dir_fd=mount),
        "Too many levels of symbolic links",
    ),
    "write where it was put": (lambda _: os.open("/x", os.O_WRONLY | os.O_CREAT), "Read-only file system"),
    "speak to the network": (lambda _: socket.socket(), DENIED),
    "speak to the host": (lambda _: socket.socket(socket.AF_UNIX), DENIED),
    "make a process": (lambda _: os.fork(), DENIED),
    "run a program": (lambda _: os.execv("/bin/true", ["true"]), DENIED),  # noqa: S606 -- it must not
    "kill": (lambda _: os.kill(os.getpid(), signal.SIGKILL), DENIED),
    "make a device": (lambda mount: os.mknod("null", 0o20666, os.makedev(1, 3), dir_fd=mount), DENIED),
    "mount": (lambda _: syscalls.mount("x", "/", "tmpfs", syscalls.MountFlag(0)), f"mount /: {DENIED}"),
    "leave its namespaces": (lambda _: syscalls.unshare(syscalls.Clone.NEWUSER), f"unshare {DENIED}"),
    "mark a deleted file": (lambda mount: os.mknod("gone", 0o20000, 0, dir_fd=mount), "done: None"),
    "write": (lambda mount: os.write(os.open("new", os.O_WRONLY | os.O_CREAT, dir_fd=mount), b"x"), "done: 1"),
}


def test_it_can_write_files_and_nothing_else(tmp_path: Path, home: int) -> None:
    (tmp_path / "outside").write_text("canary")
    (tmp_path / "home" / "link").symlink_to("/")
    program = cell.call_filter(tmp_path / "cache")
    happened = {what: in_cell(program, home, attempt) for what, (attempt, _) in ATTEMPTS.items()}
    expected = {what: words for what, (_, words) in ATTEMPTS.items()}
    happened["leave its namespaces"] = f"unshare {happened['leave its namespaces'].rpartition(': ')[2]}"
    assert happened == expected
    assert sorted(os.listdir(tmp_path / "home")) == ["gone", "link", "new"]


def test_an_unpacker_that_dies_is_told_and_the_next_one_works(tmp_path: Path, home: int, blob: int) -> None:
    os.ftruncate(blob, 1 << 40)  # an end, with much behind it
    with Jail(tmp_path / "cache") as made:
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            with suppress(ImageError):
                os.write(writer, b"ready")
                made.unpack(blob, home)
            os._exit(0)
        os.read(reader, 5)
        unpacker = first_child(made._pid)
        os.kill(unpacker, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(reader)
        os.close(writer)
        os.ftruncate(blob, 1024)
        (tmp_path / "again").mkdir()
        again = os.open(tmp_path / "again", os.O_RDONLY | os.O_DIRECTORY)
        assert made.unpack(blob, again)[0] == digest_of(bytes(1024))
        os.close(again)


def first_child(pid: int) -> int:
    """The child of a process that is about to have one."""
    while True:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if children:
            return int(children[0])


SERVED = """
import json, os, sys
from pathlib import Path
from engine.images.jail import Jail
blob = os.memfd_create("blob")
os.ftruncate(blob, 1 << 40)
jail = Jail(Path(sys.argv[1], "cache"))
print(jail._pid, flush=True)
jail.unpack(blob, os.open(Path(sys.argv[1], "home"), os.O_RDONLY | os.O_DIRECTORY))
"""


@pytest.mark.usefixtures("home")
def test_warden_and_unpacker_end_with_whom_they_serve(tmp_path: Path) -> None:
    environment = {"PYTHONPATH": str(Path(__file__).parents[3])}
    served = subprocess.Popen(
        [sys.executable, "-c", SERVED, tmp_path], stdout=subprocess.PIPE, env=environment, text=True
    )
    assert served.stdout
    warden = json.loads(served.stdout.readline())
    watched = [os.pidfd_open(pid) for pid in (warden, first_child(warden))]
    served.kill()
    served.communicate()
    for pidfd in watched:
        assert select.select([pidfd], [], [], 10)[0], "it lives on"
        os.close(pidfd)
