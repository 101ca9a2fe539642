"""Notices that somebody removed a stack's firewall table (nfnetlink notifications, linux/netfilter/nf_tables.h).

A reload of the host's firewall often begins by flushing every table there is.
"""

import socket
import struct
from collections.abc import Callable

from net.watching import Watcher

SETTLING_SECONDS = 0.1
"""Whoever flushes tables is given the time to load what comes after."""

_NETLINK_NETFILTER, _NFNLGRP_NFTABLES = 12, 7
_NEWTABLE, _DELTABLE = 0xA00, 0xA02  # NFNL_SUBSYS_NFTABLES << 8, NFT_MSG_NEWTABLE and NFT_MSG_DELTABLE
_NFTA_TABLE_NAME = 1
_BUFFER_BYTES = 1 << 16
_SOL_NETLINK, _NETLINK_ADD_MEMBERSHIP = 270, 1


class Vigil:
    """Calls `on_gone` when a table of this namespace is gone and did not come back at once."""

    def __init__(self, table: str, watcher: Watcher, on_gone: Callable[[], None]) -> None:
        self._table = table.encode()
        self._watcher = watcher
        self._on_gone = on_gone
        self._gone = False
        self._cancel_timer: Callable[[], None] | None = None
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, _NETLINK_NETFILTER)
        self._socket.bind((0, 0))  # without an address of its own, the kernel takes it for the sender
        self._socket.setsockopt(_SOL_NETLINK, _NETLINK_ADD_MEMBERSHIP, _NFNLGRP_NFTABLES)
        watcher.add_reader(self._socket.fileno(), self._read)

    def close(self) -> None:
        """Look away."""
        if self._cancel_timer is not None:
            self._cancel_timer()
        self._watcher.remove_reader(self._socket.fileno())
        self._socket.close()

    def _read(self) -> None:
        try:
            while True:
                self._gone = table_is_gone(self._socket.recv(_BUFFER_BYTES), self._table, gone=self._gone)
        except BlockingIOError:
            pass
        except OSError:  # ENOBUFS: more happened than the kernel kept for us
            self._gone = True
        if self._gone and self._cancel_timer is None:
            self._cancel_timer = self._watcher.call_later(SETTLING_SECONDS, self._settle)

    def _settle(self) -> None:
        self._cancel_timer = None
        if self._gone:
            self._gone = False
            self._on_gone()


def table_is_gone(notifications: bytes, table: bytes, *, gone: bool) -> bool:
    """Follow what notifications say about a table that was, or was not, `gone` before."""
    at = 0
    while at + 20 <= len(notifications):
        length, kind = struct.unpack_from("=IH", notifications, at)
        if kind in (_NEWTABLE, _DELTABLE) and _table_name(notifications[at + 20 : at + length]) == table:
            gone = kind == _DELTABLE
        at += max(16, (length + 3) & ~3)
    return gone


def _table_name(attributes: bytes) -> bytes:
    at = 0
    while at + 4 <= len(attributes):
        length, kind = struct.unpack_from("=HH", attributes, at)
        if kind & 0x3FFF == _NFTA_TABLE_NAME:
            return attributes[at + 4 : at + length].rstrip(b"\0")
        at += max(4, (length + 3) & ~3)
    return b""
