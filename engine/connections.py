"""Reads which TCP connections a network namespace has, as /proc/<pid>/net/tcp and tcp6 show them (proc_pid_net(5))."""

import contextlib
from pathlib import Path
from typing import NamedTuple

_LISTENING = 0x0A
_IN_USE = frozenset({0x01, 0x03, 0x08})  # established, being made, closed by the other side alone (net/tcp_states.h)
_LOOPBACK_NET = "7F"
_LOOPBACK6 = "00000000000000000000000001000000"
_MAPPED = "0000000000000000FFFF0000"


class Connections(NamedTuple):
    """The ports that somebody listens on for others than itself, and how many others are connected to them."""

    listening: frozenset[int]
    in_use: int


def connections_of(pid: int) -> Connections:
    """What the network namespace of a process holds; nothing once the process is gone."""
    texts = []
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            texts.append(Path(f"/proc/{pid}/net/{name}").read_text())
    return parse("\n".join(texts))


def parse(text: str) -> Connections:
    """Read the lines of both files; connections and listeners on loopback addresses are a container's own affair."""
    rows = []
    for line in text.splitlines():
        words = line.split()
        if len(words) > 3 and words[0].endswith(":"):
            address, _, port = words[1].partition(":")
            rows.append((_is_loopback(address), int(port, 16), int(words[3], 16)))
    listening = frozenset(port for own, port, state in rows if state == _LISTENING and not own)
    return Connections(listening, sum(port in listening and state in _IN_USE and not own for own, port, state in rows))


def _is_loopback(address: str) -> bool:
    """Words of 32 bits in the machine's order (little-endian: bytes reversed)."""
    narrow = address.removeprefix(_MAPPED)
    return address == _LOOPBACK6 or (len(narrow) == 8 and narrow.endswith(_LOOPBACK_NET))
