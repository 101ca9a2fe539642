"""The resolver end to end: sockets inside containers' namespaces, upstreams in the host's."""

import select
import socket
import time
from collections.abc import Callable, Iterator

import dnslib
import pytest

from net import links
from net.errors import NetError
from net.names import Zone
from net.resolver import MAX_OUTSTANDING_PER_CLIENT, Resolver
from net.rtnetlink import Rtnetlink
from tests.kernel.net.conftest import Namespaces, inside

pytestmark = pytest.mark.root

WEB, BACK = "aa" * 32, "bb" * 32
ZONES = {
    WEB: Zone(addresses={"db": ("172.16.0.9",), "many": tuple(f"172.16.1.{n}" for n in range(100))}),
    BACK: Zone(addresses={"db": ("172.16.0.9",)}, forwards=False),
}
SUBNETS = ("172.16.0.0/22",)


class Loop:
    """The smallest loop there can be; the clock is moved by hand."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._readers: dict[int, Callable[[], None]] = {}
        self._timers: list[tuple[float, Callable[[], None]]] = []
        self._now = 0.0

    def add_reader(self, fd: int, callback: Callable[[], None]) -> None:
        self._epoll.register(fd, select.EPOLLIN)
        self._readers[fd] = callback

    def remove_reader(self, fd: int) -> None:
        self._epoll.unregister(fd)
        del self._readers[fd]

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Callable[[], None]:
        timer = (self._now + seconds, callback)
        self._timers.append(timer)
        return lambda: self._timers.remove(timer) if timer in self._timers else None

    def pass_time(self, seconds: float) -> None:
        self._now += seconds
        for timer in [timer for timer in self._timers if timer[0] <= self._now]:
            self._timers.remove(timer)
            timer[1]()

    def run_until(self, readable: socket.socket | None, seconds: float = 2.0) -> bool:
        """Serve until a socket of the test can be read, or until nothing happens any more."""
        if readable is not None:
            self._epoll.register(readable, select.EPOLLIN)
        try:
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                events = self._epoll.poll(seconds if readable is not None else 0.02)
                for fd, _ in events:
                    if fd in self._readers:
                        self._readers[fd]()
                    elif readable is not None and fd == readable.fileno():
                        return True
                if not events:
                    return False
            return False
        finally:
            if readable is not None:
                self._epoll.unregister(readable)

    @property
    def watched(self) -> int:
        return len(self._readers)

    def close(self) -> None:
        self._epoll.close()


class Upstream:
    """A resolver of the host, on an address of its loopback."""

    def __init__(self, address: str) -> None:
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.datagrams.bind((address, 53))
        self.datagrams.settimeout(2)
        self.streams = socket.create_server((address, 53))
        self.streams.settimeout(2)

    def hear(self) -> tuple[dnslib.DNSRecord, tuple[str, int]]:
        query, source = self.datagrams.recvfrom(4096)
        return dnslib.DNSRecord.parse(query), source

    def asked(self) -> bool:
        return bool(select.select([self.datagrams], [], [], 0)[0])

    def close(self) -> None:
        self.datagrams.close()
        self.streams.close()


class Setup:
    def __init__(self, namespaces: Namespaces) -> None:
        self.loop = Loop()
        self.upstreams: tuple[str, ...] = ("127.0.0.53",)
        self.upstream = Upstream("127.0.0.53")
        self.resolver = Resolver(
            zone_of=lambda container_id: ZONES[container_id]._replace(subnets=SUBNETS),
            upstreams=lambda: self.upstreams,
            watcher=self.loop,
            enter=inside,
        )
        self.containers: dict[str, int] = {}
        for container_id in (WEB, BACK):
            self.containers[container_id] = namespaces.make()
            self.resolver.listen(container_id, self.containers[container_id])

    def client(self, container_id: str = WEB, kind: int = socket.SOCK_DGRAM) -> socket.socket:
        with inside(self.containers[container_id]):
            client = socket.socket(socket.AF_INET, kind)
        client.settimeout(2)
        client.connect(("127.0.0.11", 53))
        return client

    def ask(self, client: socket.socket, name: str, kind: str = "A") -> dnslib.DNSRecord:
        query = dnslib.DNSRecord.question(name, kind)
        client.send(query.pack())
        return query

    def answer(self, client: socket.socket) -> dnslib.DNSRecord:
        assert self.loop.run_until(client)
        return dnslib.DNSRecord.parse(client.recv(65535))


@pytest.fixture
def setup(host: int, namespaces: Namespaces) -> Iterator[Setup]:
    del host
    made = Setup(namespaces)
    yield made
    made.resolver.close()
    assert made.loop.watched == 0
    made.upstream.close()
    made.loop.close()


def texts(reply: dnslib.DNSRecord) -> list[str]:
    return [str(record.rdata) for record in reply.rr]


def test_a_container_finds_its_neighbours_by_name(setup: Setup) -> None:
    with setup.client() as client:
        query = setup.ask(client, "db")
        reply = setup.answer(client)
    assert (reply.header.id, texts(reply)) == (query.header.id, ["172.16.0.9"])
    assert not setup.upstream.asked()


def test_other_names_are_asked_of_the_hosts_resolver_under_another_number(setup: Setup) -> None:
    with setup.client() as client:
        query = setup.ask(client, "example.com")
        setup.loop.run_until(None)
        heard, source = setup.upstream.hear()
        assert str(heard.q.qname) == "example.com."
        reply = heard.reply()
        reply.add_answer(*dnslib.RR.fromZone("example.com 60 A 192.0.2.7"))
        setup.upstream.datagrams.sendto(reply.pack(), source)
        answer = setup.answer(client)
    assert (answer.header.id, texts(answer)) == (query.header.id, ["192.0.2.7"])


def test_an_answer_with_a_wrong_number_or_question_is_not_believed(setup: Setup) -> None:
    with setup.client() as client:
        setup.ask(client, "example.com")
        setup.loop.run_until(None)
        heard, source = setup.upstream.hear()
        wrong_number = heard.reply()
        wrong_number.header.id = heard.header.id ^ 1
        wrong_question = dnslib.DNSRecord.question("example.org").reply()
        wrong_question.header.id = heard.header.id
        for lie in (wrong_number, wrong_question):
            lie.add_answer(*dnslib.RR.fromZone("example.com 60 A 192.0.2.66"))
            setup.upstream.datagrams.sendto(lie.pack(), source)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(heard.reply().pack(), source)
        truth = heard.reply()
        truth.add_answer(*dnslib.RR.fromZone("example.com 60 A 192.0.2.7"))
        setup.upstream.datagrams.sendto(truth.pack(), source)
        assert texts(setup.answer(client)) == ["192.0.2.7"]


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "172.16.0.9"])
def test_an_answer_that_points_into_the_stack_or_loopback_is_dropped(setup: Setup, address: str) -> None:
    with setup.client() as client:
        setup.ask(client, "rebind.example.com")
        setup.loop.run_until(None)
        heard, source = setup.upstream.hear()
        reply = heard.reply()
        reply.add_answer(*dnslib.RR.fromZone(f"rebind.example.com 60 A {address}"))
        setup.upstream.datagrams.sendto(reply.pack(), source)
        answer = setup.answer(client)
    assert (answer.header.rcode, texts(answer)) == (5, [])


def test_a_silent_resolver_is_given_up_for_the_next_one(setup: Setup) -> None:
    second = Upstream("127.0.0.54")
    setup.upstreams = ("127.0.0.53", "127.0.0.54")
    with setup.client() as client:
        setup.ask(client, "example.com")
        setup.loop.run_until(None)
        assert setup.upstream.asked()
        setup.loop.pass_time(2)
        heard, source = second.hear()
        second.datagrams.sendto(heard.reply().pack(), source)
        assert setup.answer(client).header.rcode == 0
        setup.ask(client, "example.org")  # the one that answered is asked first from now on
        setup.loop.run_until(None)
        assert second.asked()
    second.close()


def test_when_no_resolver_answers_the_client_is_told(setup: Setup) -> None:
    with setup.client() as client:
        setup.ask(client, "example.com")
        setup.loop.run_until(None)
        setup.loop.pass_time(2)
        setup.loop.pass_time(2)
        assert setup.answer(client).header.rcode == 2
        setup.upstreams = ("127.0.0.99", "no address")  # nobody listens there, and no name is ever looked up
        setup.ask(client, "example.com")
        assert setup.answer(client).header.rcode == 2
        setup.upstreams = ()
        setup.ask(client, "example.com")
        assert setup.answer(client).header.rcode == 2


def test_nothing_leaves_internal_networks(setup: Setup) -> None:
    with setup.client(BACK) as client:
        setup.ask(client, "example.com")
        assert setup.answer(client).header.rcode == 5
        setup.ask(client, "db")
        assert texts(setup.answer(client)) == ["172.16.0.9"]
    assert not setup.upstream.asked()


def test_long_answers_are_fetched_over_tcp(setup: Setup) -> None:
    with setup.client() as client:
        setup.ask(client, "many")
        assert setup.answer(client).header.tc == 1
    with setup.client(kind=socket.SOCK_STREAM) as client:
        for name in ("many", "db"):
            query = dnslib.DNSRecord.question(name).pack()
            client.send(len(query).to_bytes(2, "big") + query)
            assert setup.loop.run_until(client)
            frame = client.recv(65535)
            assert int.from_bytes(frame[:2], "big") == len(frame) - 2
            assert len(dnslib.DNSRecord.parse(frame[2:]).rr) == (100 if name == "many" else 1)


def test_many_queries_in_one_segment_are_answered_one_after_the_other(setup: Setup) -> None:
    query = dnslib.DNSRecord.question("db").pack()
    with setup.client(kind=socket.SOCK_STREAM) as client:
        client.send((len(query).to_bytes(2, "big") + query) * 150)
        received = b""
        while len(received) < 150 * (2 + len(query) + 16):
            assert setup.loop.run_until(client)
            received += client.recv(65535)


def test_tcp_queries_go_to_the_hosts_resolver_by_tcp(setup: Setup) -> None:
    with setup.client(kind=socket.SOCK_STREAM) as client:
        query = dnslib.DNSRecord.question("example.com").pack()
        client.send(len(query).to_bytes(2, "big") + query)
        setup.loop.run_until(None)
        upstream, _ = setup.upstream.streams.accept()
        setup.loop.run_until(None)
        with upstream:
            heard = dnslib.DNSRecord.parse(upstream.recv(4096)[2:])
            reply = heard.reply()
            for number in range(1, 201):
                reply.add_answer(*dnslib.RR.fromZone(f"example.com 60 A 192.0.2.{number}"))
            packed = reply.pack()
            upstream.send(len(packed).to_bytes(2, "big") + packed[:100])
            setup.loop.run_until(None)
            upstream.send(packed[100:])
            assert setup.loop.run_until(client)
        frame = client.recv(65535)
        assert len(dnslib.DNSRecord.parse(frame[2:]).rr) == 200


def test_a_truncated_answer_from_outside_is_passed_on_as_it_is(setup: Setup) -> None:
    with setup.client() as client:
        setup.ask(client, "example.com")
        setup.loop.run_until(None)
        heard, source = setup.upstream.hear()
        reply = heard.reply()
        reply.header.tc = 1
        setup.upstream.datagrams.sendto(reply.pack(), source)
        assert setup.answer(client).header.tc == 1


def test_one_containers_questions_that_are_out_are_limited(setup: Setup) -> None:
    with setup.client() as client:
        for number in range(MAX_OUTSTANDING_PER_CLIENT + 1):
            setup.ask(client, f"x{number}.example.com")
        refused = setup.answer(client)
    assert (refused.header.rcode, str(refused.q.qname)) == (2, f"x{MAX_OUTSTANDING_PER_CLIENT}.example.com.")


def test_idle_connections_are_closed_and_limited(setup: Setup) -> None:
    clients = [setup.client(kind=socket.SOCK_STREAM) for _ in range(9)]
    setup.loop.run_until(None)
    assert setup.loop.run_until(clients[8])
    assert clients[8].recv(1) == b""
    setup.loop.pass_time(10)
    assert clients[0].recv(1) == b""
    for client in clients:
        client.close()


def test_an_ignored_container_is_answered_no_more_and_can_be_listened_for_again(setup: Setup) -> None:
    setup.resolver.ignore(WEB)
    setup.resolver.ignore(WEB)
    with setup.client() as client:
        setup.ask(client, "db")
        with pytest.raises(ConnectionRefusedError):
            client.recv(512)
    for _ in range(2):
        setup.resolver.listen(WEB, setup.containers[WEB])
    with setup.client() as client:
        setup.ask(client, "db")
        assert texts(setup.answer(client)) == ["172.16.0.9"]


def test_a_container_that_listens_there_itself_is_a_net_error(setup: Setup, namespaces: Namespaces) -> None:
    container = namespaces.make()
    with inside(container), Rtnetlink() as netlink, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as program:
        netlink.send([links.link_up(links.LOOPBACK_INDEX, "lo")])
        program.bind(("127.0.0.11", 53))
        with pytest.raises(NetError, match=r"cannot answer names for container cccccccccccc at 127\.0\.0\.11:53"):
            setup.resolver.listen("cc" * 32, container)
