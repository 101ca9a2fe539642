"""A private host: network namespaces without processes, held by descriptors, entered by the testing thread."""

import contextlib
import ctypes
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from net import links
from net.addresses import parse_address
from net.router import Router
from net.rtnetlink import Rtnetlink
from net.spec import Attachment, Endpoint, NetworkSpec, PublishedPort

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def inside(namespace_fd: int) -> Iterator[None]:
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        _check(_libc.setns(namespace_fd, _CLONE_NEWNET))
        yield
    finally:
        _check(_libc.setns(before, _CLONE_NEWNET))
        os.close(before)


def _check(result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _make_namespace() -> int:
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        _check(_libc.unshare(_CLONE_NEWNET))
        made = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        _check(_libc.setns(before, _CLONE_NEWNET))
    finally:
        os.close(before)
    return made


class Namespaces:
    """Hands out namespaces and closes them, which destroys them."""

    def __init__(self) -> None:
        self._held: list[int] = []

    def make(self) -> int:
        made = _make_namespace()
        self._held.append(made)
        return made

    def discard(self, namespace_fd: int) -> None:
        self._held.remove(namespace_fd)
        os.close(namespace_fd)

    def close(self) -> None:
        for namespace_fd in list(self._held):
            self.discard(namespace_fd)


@pytest.fixture
def namespaces() -> Iterator[Namespaces]:
    held = Namespaces()
    yield held
    held.close()


@pytest.fixture
def host(namespaces: Namespaces) -> Iterator[int]:
    """Put the test into a host of its own, with loopback up."""
    namespace_fd = namespaces.make()
    with inside(namespace_fd):
        with Rtnetlink() as netlink:
            netlink.send([links.link_up(1, "lo")])
        yield namespace_fd


class Lan:
    """A neighbour on the host's local network: the host is 192.0.2.1 on eth0, the neighbour 192.0.2.9."""

    HOST = "192.0.2.1"
    NEIGHBOUR = "192.0.2.9"

    def __init__(self, namespace_fd: int) -> None:
        self.namespace_fd = namespace_fd
        index = links.router_index(parse_address(self.NEIGHBOUR))
        host_fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        with inside(namespace_fd), Rtnetlink() as netlink:
            netlink.send(
                [
                    links.link_up(1, "lo"),
                    links.new_uplink("eth0", parse_address(self.NEIGHBOUR), "eth0", host_fd),
                    links.new_address(index, parse_address(self.NEIGHBOUR), 24, "eth0"),
                    links.link_up(index, "eth0"),
                ]
            )
        os.close(host_fd)
        index = socket.if_nametoindex("eth0")
        with Rtnetlink() as netlink:
            netlink.send([links.new_address(index, parse_address(self.HOST), 24, "eth0"), links.link_up(index, "eth0")])

    def route_everything_through_the_host(self) -> None:
        with inside(self.namespace_fd), Rtnetlink() as netlink:
            netlink.send([links.default_route(parse_address(self.HOST))])


@pytest.fixture
def lan(host: int, namespaces: Namespaces) -> Lan:
    del host
    return Lan(namespaces.make())


class Stack:
    """A stack's router with its namespace, as a supervisor would hold it."""

    def __init__(self, run: Path, name: str, namespaces: Namespaces) -> None:
        self.token = f"{sum(name.encode()):08x}"
        self.label = f"{name}-{self.token}"
        self.networks = run / "stacks" / name / "networks"
        self.networks.mkdir(parents=True)
        self._namespaces = namespaces
        self.namespace_fd = namespaces.make()
        self.router = self.open()
        self._made = 0

    def open(self) -> Router:
        return Router.open(
            token=self.token,
            label=self.label,
            networks=self.networks,
            namespace_fd=self.namespace_fd,
            enter=inside,
            resolv_conf=Path("/dev/null"),
        )


NewStack = Callable[[str], Stack]
WEB, DB, CLIENT = "aa" * 32, "bb" * 32, "cc" * 32


@pytest.fixture
def new_stack(host: int, namespaces: Namespaces, tmp_path: Path) -> Iterator[Callable[[str], Stack]]:
    del host
    stacks: list[Stack] = []

    def make(name: str) -> Stack:
        stacks.append(Stack(tmp_path / "run", name, namespaces))
        return stacks[-1]

    yield make
    for stack in stacks:
        stack.router.close()


@contextlib.contextmanager
def listening(namespace_fd: int, address: str, port: int, kind: int = socket.SOCK_STREAM) -> Iterator[socket.socket]:
    with inside(namespace_fd):
        server = socket.socket(socket.AF_INET, kind)
        server.settimeout(2)
        server.bind((address, port))
        if kind == socket.SOCK_STREAM:
            server.listen()
    with server:
        yield server


def peer_seen(server: socket.socket, client_fd: int, address: str, port: int) -> str:
    """Connect from a namespace; return the client's address as the server sees it."""
    with inside(client_fd):
        client = socket.socket()
        client.settimeout(2)
    with client:
        client.connect((address, port))
        accepted, peer = server.accept()
        with accepted:
            accepted.sendall(b"hello")
            assert client.recv(5) == b"hello"
    return str(peer[0])


def reaches(client_fd: int, address: str, port: int, seconds: float = 0.3) -> bool:
    """Tell whether a connection can be made within a time long enough for a veth pair."""
    with inside(client_fd):
        client = socket.socket()
        client.settimeout(seconds)
    with client:
        try:
            client.connect((address, port))
        except OSError:
            return False
        return True


class Container:
    """A container's namespace with its addresses, and the ports that it publishes."""

    def __init__(self, stack: Stack, namespaces: Namespaces, container_id: str, *networks: str) -> None:
        self.stack = stack
        self.id = container_id
        self.attachments: tuple[Attachment, ...] = stack.router.lease(
            container_id, [Endpoint(network=name) for name in networks]
        )
        self.namespace_fd = namespaces.make()
        stack.router.attach(container_id, self.attachments, self.namespace_fd)
        self.address = self.attachments[0].address

    def publish(self, *ports: PublishedPort, group: str = "") -> tuple[PublishedPort, ...]:
        return self.stack.router.publish(self.id, "web-1", self.attachments, ports, group=group)


def stack_with_web(new_stack: NewStack, namespaces: Namespaces, name: str = "one") -> Container:
    stack = new_stack(name)
    stack.router.ensure_network(NetworkSpec(name=f"{name}_default"))
    return Container(stack, namespaces, WEB, f"{name}_default")
