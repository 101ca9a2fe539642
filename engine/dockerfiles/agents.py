"""Lets commands of a build speak to an SSH agent of the host's, through a socket that belongs to whom they run as."""

import os
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.dockerfiles.problems import Mistake
from engine.dockerfiles.running import Agent

_CHUNK_BYTES = 1 << 16
_WAITING = 8


@contextmanager
def forwarded(agent: Agent, path: Path) -> Iterator[None]:
    """While the block runs, a socket at `path` leads to the agent's."""
    try:
        _connected(agent.source).close()
    except OSError as error:
        message = f"no SSH agent answers at {agent.source}: {error.strerror}"
        raise Mistake(message, hint="start one: ssh-agent") from None
    ending, end = os.pipe()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        try:
            os.chown(path, agent.uid, agent.gid)
            path.chmod(agent.mode)
            listener.listen(_WAITING)
            thread = threading.Thread(target=_forward, args=(listener, agent.source, ending))
            thread.start()
            try:
                yield
            finally:
                os.close(end)
                thread.join()
        finally:
            os.close(ending)
            path.unlink()


def _connected(source: Path) -> socket.socket:
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        peer.connect(str(source))
    except BaseException:
        peer.close()
        raise
    return peer


def _forward(listener: socket.socket, source: Path, ending: int) -> None:
    """Hands bytes to and fro until the pipe `ending` ends."""
    others: dict[socket.socket, socket.socket] = {}
    try:
        while True:
            waiting: list[socket.socket | int] = [listener, ending, *others]
            ready, _, _ = select.select(waiting, [], [])
            if ending in ready:
                return
            if listener in ready:
                with suppress(OSError):
                    other = _connected(source)
                    one = listener.accept()[0]
                    others |= {one: other, other: one}
            for peer in [peer for peer in others if peer in ready]:
                if peer in others:
                    _hand_on(peer, others)
    finally:
        for peer in others:
            peer.close()


def _hand_on(peer: socket.socket, others: dict[socket.socket, socket.socket]) -> None:
    with suppress(OSError):
        chunk = peer.recv(_CHUNK_BYTES)
        if chunk:
            others[peer].sendall(chunk)
            return
    other = others.pop(peer)
    others.pop(other, None)
    peer.close()
    other.close()
