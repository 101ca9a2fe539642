"""Talks rtnetlink: requests in, one acknowledgement back (netlink(7), rtnetlink(7)).

Written by hand because importing a netlink library costs more than starting a container.
Numbers are those of linux/netlink.h and linux/rtnetlink.h.
"""

import fcntl
import os
import socket
import struct
from array import array
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import NamedTuple, Self

from net.errors import NetlinkError

RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR, RTM_NEWROUTE, RTM_DELROUTE, RTM_NEWNEIGH = 16, 17, 20, 24, 25, 28
NLM_F_REPLACE, NLM_F_EXCL, NLM_F_CREATE = 0x100, 0x200, 0x400

_NLM_F_REQUEST, _NLM_F_ACK, _NLM_F_ACK_TLVS = 0x1, 0x4, 0x200
_NLMSG_ERROR = 2
_NLMSGERR_ATTR_MSG = 1
_SOL_NETLINK, _NETLINK_CAP_ACK, _NETLINK_EXT_ACK = 270, 10, 11
_SIOCETHTOOL, _ETHTOOL_GLINK = 0x8946, 0x0A
_HEADER = struct.Struct("=IHHII")
_ANSWER_BYTES = 32768


class Request(NamedTuple):
    """One change. `attempt` completes the sentence "cannot ..."; a `tolerated` errno counts as success."""

    kind: int
    flags: int
    body: bytes
    attempt: str
    tolerated: tuple[int, ...] = ()


def attribute(kind: int, data: bytes) -> bytes:
    """Encode one attribute, padded to four bytes."""
    length = 4 + len(data)
    return struct.pack("=HH", length, kind) + data + bytes(-length % 4)


class Rtnetlink:
    """A socket of the network namespace that it is made in, wherever its user goes later."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        self._socket.setsockopt(_SOL_NETLINK, _NETLINK_CAP_ACK, 1)
        self._socket.setsockopt(_SOL_NETLINK, _NETLINK_EXT_ACK, 1)
        self._sequence = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def send(self, requests: Sequence[Request]) -> None:
        """Have the kernel carry out requests, in order, in one system call.

        A failure does not stop those behind it; the first one that is not tolerated is raised as NetlinkError.
        """
        if not requests:
            return
        first = self._sequence + 1
        frames = []
        for number, request in enumerate(requests, 1):
            self._sequence += 1
            # Failures are always answered; success is only asked for once, behind the last request.
            acknowledge = _NLM_F_ACK if number == len(requests) else 0
            flags = request.flags | _NLM_F_REQUEST | acknowledge
            length = _HEADER.size + len(request.body)
            frames.append(_HEADER.pack(length, request.kind, flags, self._sequence, 0) + request.body)
            frames.append(bytes(-length % 4))
        self._socket.send(b"".join(frames))
        problem = self._read_answers(requests, first)
        if problem is not None:
            raise problem

    def settle(self, link_names: Sequence[str]) -> None:
        """Have the kernel act at once on links that went up, instead of a moment later.

        Until then a bridge drops what reaches the link, and a first packet lost costs its sender a second.
        Asking whether a link is up (ETHTOOL_GLINK, linux/ethtool.h) does that; one that is gone is fine.
        """
        asked = array("I", (_ETHTOOL_GLINK, 0))
        for name in link_names:
            with suppress(OSError):
                interface = struct.pack("@16sP16x", name.encode(), asked.buffer_info()[0])
                fcntl.ioctl(self._socket, _SIOCETHTOOL, interface)

    def _read_answers(self, requests: Sequence[Request], first: int) -> NetlinkError | None:
        problem = None
        while True:
            answer = self._socket.recv(_ANSWER_BYTES)
            at = 0
            while at < len(answer):
                length, kind, flags, sequence, _ = _HEADER.unpack_from(answer, at)
                if kind == _NLMSG_ERROR and first <= sequence <= self._sequence:
                    errno = -struct.unpack_from("=i", answer, at + 16)[0]
                    request = requests[sequence - first]
                    if errno and errno not in request.tolerated and problem is None:
                        detail = _kernel_message(answer[at : at + length]) if flags & _NLM_F_ACK_TLVS else ""
                        problem = _refusal(request, errno, detail)
                    if sequence == self._sequence:
                        return problem
                at += (length + 3) & ~3


def _refusal(request: Request, errno: int, detail: str) -> NetlinkError:
    reason = os.strerror(errno) + (f" ({detail})" if detail else "")
    return NetlinkError(f"cannot {request.attempt}: {reason}", errno)


def _kernel_message(answer: bytes) -> str:
    """Find the kernel's own words in an extended acknowledgement: header, errno, capped original header, attributes."""
    at = 16 + 4 + 16
    while at + 4 <= len(answer):
        length, kind = struct.unpack_from("=HH", answer, at)
        if kind & 0x3FFF == _NLMSGERR_ATTR_MSG:
            return answer[at + 4 : at + length].rstrip(b"\0").decode("ascii", "replace")
        at += max(4, (length + 3) & ~3)
    return ""
