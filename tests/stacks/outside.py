"""A stack seen from outside: its ports, its pages, what becomes of it in time."""

import os
import select
import signal
import socket
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

import pytest
from dnslib import RR, A, DNSRecord

from engine.namespaces import inside
from tests.stacks.product import Windlass

Seen = TypeVar("Seen")


def fetch(url: str, form: Mapping[str, str] | None = None) -> str:
    """The page at once: whoever says that a stack is healthy means that it serves."""
    data = urllib.parse.urlencode(form).encode() if form is not None else None
    with urllib.request.urlopen(url, data, timeout=60) as answer:  # noqa: S310 -- the caller writes http
        return answer.read().decode()


def eventually(look: Callable[[], Seen], what: str, seconds: float = 20.0) -> Seen:
    """The first truthy thing that `look` sees, for what no descriptor announces; fails the test after the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            seen = look()
        except (OSError, urllib.error.URLError):
            seen = None
        if seen:
            return seen
        if time.monotonic() > deadline:
            pytest.fail(f"never seen within {seconds} s: {what}")
        select.select([], [], [], 0.02)


def kill_supervisor(windlass: Windlass) -> None:
    """Ends a stack's supervisor with SIGKILL; returns when it is gone."""
    pidfd = os.pidfd_open(windlass.supervisor_pid())
    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    select.select([pidfd], [], [], 10)
    os.close(pidfd)


@contextmanager
def greeting_host(address: str) -> Iterator[int]:
    """A program of the host's that says "ahoy" to whoever connects; gives its port."""
    with socket.socket() as server:
        server.bind((address, 0))
        server.listen()

        def serve() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    client.sendall(b"ahoy\n")

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


@contextmanager
def naming(names: Mapping[str, str], address: str, *, pid: int) -> Iterator[None]:
    """A name server at an address of the network that a process is in; it knows these names' addresses alone."""
    namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    try:
        with inside(namespace):
            server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    finally:
        os.close(namespace)
    with server:
        server.bind((address, 53))

        def serve() -> None:
            while True:
                query, client = server.recvfrom(4096)
                if not query:
                    return
                asked = DNSRecord.parse(query)
                reply = asked.reply()
                known = names.get(str(asked.q.qname).rstrip("."))
                if known:
                    reply.add_answer(RR(asked.q.qname, rdata=A(known)))
                server.sendto(reply.pack(), client)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            server.sendto(b"", server.getsockname())
            thread.join()
