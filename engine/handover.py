"""Hands descriptors to another process over a Unix socket; see unix(7).

The standard library's own functions import a module at each call, which is out of question in a process that is about
to enter an image.
"""

import socket
import struct
from collections.abc import Sequence

MOST_DESCRIPTORS = 253  # SCM_MAX_FD
_LONGEST_MESSAGE = 64


def send(channel: socket.socket, message: bytes, fds: Sequence[int] = ()) -> None:
    """Sends one message with copies of the descriptors."""
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack(f"={len(fds)}i", *fds))] if fds else []
    channel.sendmsg([message], rights)


def receive(channel: socket.socket, longest: int = _LONGEST_MESSAGE) -> tuple[bytes, list[int]]:
    """Waits for one message; empty when the other side has closed. The descriptors are close-on-exec, and ours."""
    room = socket.CMSG_SPACE(MOST_DESCRIPTORS * 4)
    message, rights, _, _ = channel.recvmsg(longest, room, socket.MSG_CMSG_CLOEXEC)
    fds: list[int] = []
    for level, kind, data in rights:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.extend(struct.unpack(f"={len(data) // 4}i", data[: len(data) // 4 * 4]))
    return message, fds
