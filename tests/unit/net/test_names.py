"""Answers about names, judged by dnslib."""

import dnslib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from net.addresses import parse_block
from net.dnswire import MalformedError, points_into, read_question
from net.names import Zone, answer, refusal

ZONE = Zone(
    addresses={"web": ("172.16.0.2", "172.16.0.3", "172.16.0.4"), "db": ("172.16.0.9",), "db.shop": ("172.16.0.9",)},
    names={"172.16.0.9": "shop-db-1.shop_default"},
    subnets=("172.16.0.0/22",),
)
INTERNAL = ZONE._replace(forwards=False)
LOOPBACK = (parse_block("127.0.0.0/8"),)


def ask(name: str, kind: str = "A", zone: Zone = ZONE, *, turn: int = 0, stream: bool = False) -> dnslib.DNSRecord:
    reply = answer(zone, dnslib.DNSRecord.question(name, kind).pack(), turn=turn, stream=stream)
    assert reply
    return dnslib.DNSRecord.parse(reply)


def texts(reply: dnslib.DNSRecord) -> list[str]:
    return [str(record.rdata) for record in reply.rr]


def test_a_name_of_the_stack_has_its_address_for_a_short_time() -> None:
    query = dnslib.DNSRecord.question("db", "A")
    reply = dnslib.DNSRecord.parse(answer(ZONE, query.pack()) or b"")
    assert reply.header.id == query.header.id
    assert (reply.header.qr, reply.header.aa, reply.header.ra, reply.header.rd) == (1, 1, 1, 1)
    assert (reply.header.rcode, str(reply.q.qname)) == (0, "db.")
    assert [(str(record.rname), str(record.rdata), record.ttl) for record in reply.rr] == [("db.", "172.16.0.9", 5)]


def test_several_replicas_take_turns_at_being_first() -> None:
    assert texts(ask("web", turn=0)) == ["172.16.0.2", "172.16.0.3", "172.16.0.4"]
    assert texts(ask("web", turn=1)) == ["172.16.0.3", "172.16.0.4", "172.16.0.2"]
    assert texts(ask("web", turn=5)) == ["172.16.0.4", "172.16.0.2", "172.16.0.3"]


def test_case_does_not_matter_and_is_kept() -> None:
    reply = ask("Db.SHOP")
    assert texts(reply) == ["172.16.0.9"]
    assert str(reply.q.qname) == "Db.SHOP."


@pytest.mark.parametrize("kind", ["AAAA", "MX", "TXT", "SRV"])
def test_a_name_of_the_stack_has_nothing_but_ipv4_addresses(kind: str) -> None:
    reply = ask("db", kind)
    assert (reply.header.rcode, texts(reply)) == (0, [])


def test_a_name_without_running_containers_has_no_addresses() -> None:
    assert texts(ask("idle", zone=Zone(addresses={"idle": ()}))) == []


def test_an_address_of_the_stack_has_a_name() -> None:
    assert texts(ask("9.0.16.172.in-addr.arpa", "PTR")) == ["shop-db-1.shop_default."]
    assert ask("200.0.16.172.in-addr.arpa", "PTR").header.rcode == 3
    assert answer(ZONE, dnslib.DNSRecord.question("8.8.8.8.in-addr.arpa", "PTR").pack()) is None


@pytest.mark.parametrize("name", ["example.com", "unknown", "web.example.com", "", "x.in-addr.arpa"])
def test_other_names_are_forwarded(name: str) -> None:
    assert answer(ZONE, dnslib.DNSRecord.question(name).pack()) is None


def test_on_internal_networks_other_names_are_refused() -> None:
    assert ask("example.com", zone=INTERNAL).header.rcode == 5
    assert texts(ask("db", zone=INTERNAL)) == ["172.16.0.9"]


def test_a_dot_inside_a_label_is_not_a_dot_between_labels() -> None:
    query = bytes.fromhex("0001 0100 0001 0000 0000 0000") + b"\x07db.shop\0" + bytes.fromhex("0001 0001")
    assert answer(ZONE, query) is None


MANY = Zone(addresses={"web": tuple(f"172.16.1.{number}" for number in range(1, 101))})


def test_an_answer_that_does_not_fit_is_cut_and_says_so() -> None:
    reply = ask("web", zone=MANY)
    assert (reply.header.tc, len(reply.rr), len(reply.pack()) <= 512) == (1, 30, True)
    whole = ask("web", zone=MANY, stream=True)
    assert (whole.header.tc, len(whole.rr)) == (0, 100)


def test_a_client_that_takes_more_gets_more() -> None:
    query = dnslib.DNSRecord.question("web")
    query.add_ar(dnslib.EDNS0(udp_len=1232))
    reply = dnslib.DNSRecord.parse(answer(MANY, query.pack()) or b"")
    assert (reply.header.tc, len(reply.rr), reply.ar[0].rtype) == (1, 75, dnslib.QTYPE.OPT)
    query.ar = [dnslib.EDNS0(udp_len=4096)]
    reply = dnslib.DNSRecord.parse(answer(MANY, query.pack()) or b"")
    assert (reply.header.tc, len(reply.rr)) == (0, 100)


def test_messages_that_are_no_queries_get_no_answer() -> None:
    assert answer(ZONE, b"") == b""
    assert answer(ZONE, b"\0" * 11) == b""
    assert answer(ZONE, dnslib.DNSRecord.question("db").reply().pack()) == b""


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("0001 0100 0002 0000 0000 0000" + "026462 00 0001 0001" * 2, 1),  # two questions
        ("0001 0100 0000 0000 0000 0000", 1),  # none
        ("0001 0100 0001 0000 0000 0000" + "c00c 0001 0001", 1),  # a name that is a pointer to itself
        ("0001 0100 0001 0000 0000 0000" + "40" + "61" * 64 + "00 0001 0001", 1),  # a label of 64 bytes
        ("0001 0100 0001 0000 0000 0000" + ("01 61" * 128) + "00 0001 0001", 1),  # a name of 257 bytes
        ("0001 0100 0001 0000 0000 0000" + "026462", 1),  # cut off in the name
        ("0001 0100 0001 0000 0000 0000" + "026462 00 0001", 1),  # cut off in the type
        ("0001 0100 0001 0000 0000 0001" + "026462 00 0001 0001", 1),  # a record is promised and missing
        ("0001 0100 0001 0000 0000 ffff" + "026462 00 0001 0001", 1),  # many are
        ("0001 2800 0001 0000 0000 0000" + "026462 00 0006 0001", 4),  # an update
    ],
)
def test_hostile_queries_are_refused_with_a_code(query: str, code: int) -> None:
    reply = answer(ZONE, bytes.fromhex(query))
    assert reply
    assert dnslib.DNSRecord.parse(reply).header.rcode == code


@given(st.binary(max_size=600))
def test_any_bytes_at_all_are_answered_or_not_but_never_raise(query: bytes) -> None:
    reply = answer(INTERNAL, query)
    assert reply is not None
    if reply:
        dnslib.DNSRecord.parse(reply)
        assert reply[:2] == query[:2]


@given(st.binary(max_size=200), st.integers(0, 300), st.integers(0, 255))
def test_damaged_queries_never_raise(tail: bytes, position: int, value: int) -> None:
    query = bytearray(dnslib.DNSRecord.question("db").pack() + tail)
    query[position % len(query)] = value
    answer(ZONE, bytes(query))


@given(st.binary(max_size=400))
def test_any_answer_from_outside_is_read_or_called_malformed(message: bytes) -> None:
    reply = dnslib.DNSRecord.question("example.com").pack() + message
    for content in (message + bytes(12), reply):
        try:
            points_into(content, LOOPBACK)
        except MalformedError:
            continue


@pytest.mark.parametrize(
    ("records", "inside"),
    [
        ("example.com 60 A 192.0.2.7", False),
        ("example.com 60 A 127.0.0.1", True),
        ("example.com 60 CNAME x.example.com\nx.example.com 60 A 127.9.9.9", True),
        ("example.com 60 AAAA ::1", True),
        ("example.com 60 AAAA ::ffff:7f00:1", True),
        ("example.com 60 AAAA 2001:db8::1", False),
        ("example.com 60 TXT 127.0.0.1", False),
    ],
)
def test_answers_that_point_inside_are_seen(records: str, inside: bool) -> None:
    reply = dnslib.DNSRecord.question("example.com").reply()
    reply.add_answer(*dnslib.RR.fromZone(records))
    assert points_into(reply.pack(), LOOPBACK) is inside


def test_a_refusal_repeats_the_question() -> None:
    reply = dnslib.DNSRecord.parse(refusal(dnslib.DNSRecord.question("example.com").pack(), 2))
    assert (reply.header.rcode, str(reply.q.qname), reply.header.qr) == (2, "example.com.", 1)


def test_a_question_tells_where_it_ends() -> None:
    query = dnslib.DNSRecord.question("a.b", "AAAA").pack()
    assert read_question(query) == ("a.b", 28, 1, len(query))
