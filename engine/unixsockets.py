"""Unix sockets whose path may be longer than the 108 bytes that an address holds (unix(7))."""

import contextlib
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path


def listen(path: Path, *, backlog: int) -> socket.socket:
    """A non-blocking stream socket that listens at `path` with mode 0600; a file that is there already is replaced."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    path.unlink(missing_ok=True)
    mask = os.umask(0o177)
    try:
        with _short_path(path) as address:
            listener.bind(address)
        listener.listen(backlog)
    except BaseException:
        listener.close()
        raise
    finally:
        os.umask(mask)
    return listener


def connect(path: Path, *, timeout_seconds: float) -> socket.socket:
    """A stream socket connected to `path`, with that timeout set. Raises OSError."""
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        peer.settimeout(timeout_seconds)
        with _short_path(path) as address:
            peer.connect(address)
    except BaseException:
        peer.close()
        raise
    return peer


def peer_uid(peer: socket.socket) -> int:
    """The user id of the process at the other end when it connected or listened (SO_PEERCRED)."""
    return _credentials(peer)[1]


def peer_pid(peer: socket.socket) -> int:
    """The process at the other end when it connected or listened; it may have ended since."""
    return _credentials(peer)[0]


def _credentials(peer: socket.socket) -> tuple[int, int, int]:
    credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid, uid, gid = struct.unpack("3i", credentials)
    return pid, uid, gid


@contextlib.contextmanager
def _short_path(path: Path) -> Iterator[str]:
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)
