"""Answers what containers ask about each other's names."""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from net.addresses import Block, format_address, format_address6, parse_address, parse_address6, parse_block
from net.dnswire import (
    AA,
    AAAA,
    ANY,
    FORMERR,
    HEADER,
    IN,
    MAX_UDP_BYTES,
    NOERROR,
    NOTIMP,
    NXDOMAIN,
    OPCODE_MASK,
    OPT,
    PTR,
    QR,
    RA,
    RD,
    REFUSED,
    TC,
    A,
    MalformedError,
    Question,
    advertised_size,
    read_question,
)
from net.errors import AddressError

TTL_SECONDS = 5
"""Short: a container that is made again may have another address."""

_MAX_ANSWER_BYTES = 4096
_MAX_STREAM_BYTES = 65535
_REVERSE = ".in-addr.arpa"
_REVERSE6 = ".ip6.arpa"
_RECORD_HEAD = b"\xc0\x0c"  # the name of the question, by reference


class Zone(NamedTuple):
    """What one client may see.

    `addresses` maps names in lower case to addresses, `names` addresses to names. `subnets` are those of the client's
    stack, as CIDR text: addresses in them are nobody else's to name. `forwards` is False for a client that is on
    internal networks alone: nothing it asks leaves the stack.
    """

    addresses: Mapping[str, tuple[str, ...]]
    names: Mapping[str, str] = {}
    subnets: tuple[str, ...] = ()
    forwards: bool = True


def answer(zone: Zone, query: bytes, *, turn: int = 0, stream: bool = False) -> bytes | None:
    """Answer a query; None means that it is not ours to answer, empty that it deserves no answer.

    `turn` rotates the addresses of a name that has several; `stream` lifts the limit on the answer's size.
    """
    if len(query) < HEADER.size:
        return b""
    number, flags, questions, *others = HEADER.unpack_from(query)
    if flags & QR:
        return b""
    if flags & OPCODE_MASK:
        return refusal(query, NOTIMP)
    if questions != 1:
        return refusal(query, FORMERR)
    try:
        question = read_question(query)
        code, records = _look_up(zone, question, turn)
        if code is None:
            return None if zone.forwards else refusal(query, REFUSED)
        size = advertised_size(query, question.end) if any(others) else None
    except MalformedError:
        return refusal(query, FORMERR)
    options = b"" if size is None else b"\0" + OPT.to_bytes(2, "big") + _MAX_ANSWER_BYTES.to_bytes(2, "big") + bytes(6)
    limit = _MAX_STREAM_BYTES if stream else min(size or MAX_UDP_BYTES, _MAX_ANSWER_BYTES)
    flags = QR | AA | RA | (flags & RD) | code
    room = limit - question.end - len(options)
    if sum(map(len, records)) > room:
        flags |= TC
        while sum(map(len, records)) > room:
            records = records[:-1]
    header = HEADER.pack(number, flags, 1, len(records), 0, 1 if options else 0)
    return b"".join((header, query[HEADER.size : question.end], *records, options))


def refusal(query: bytes, code: int) -> bytes:
    """Answer a query with nothing but an error code; its question is repeated where it can be read."""
    number, flags, questions, *_ = HEADER.unpack_from(query)
    end = HEADER.size
    if questions == 1:
        try:
            end = read_question(query).end
        except MalformedError:
            questions = 0
    head = HEADER.pack(number, QR | RA | (flags & (RD | OPCODE_MASK)) | code, 1 if questions == 1 else 0, 0, 0, 0)
    return head + query[HEADER.size : end]


def _look_up(zone: Zone, question: Question, turn: int) -> tuple[int | None, list[bytes]]:
    """Find the code and the records of an answer; no code means that the name is not one of the zone's."""
    if question.klass != IN or not question.name:
        return None, []
    addresses = zone.addresses.get(question.name)
    if addresses is not None:
        addresses = tuple(one for one in addresses if question.kind in (AAAA if ":" in one else A, ANY))
        first = turn % len(addresses) if addresses else 0
        rotated = addresses[first:] + addresses[:first]
        return NOERROR, [_address_record(address) for address in rotated]
    if question.name.endswith((_REVERSE, _REVERSE6)):
        return _look_up_reverse(zone, question)
    return None, []


def _look_up_reverse(zone: Zone, question: Question) -> tuple[int | None, list[bytes]]:
    try:
        if question.name.endswith(_REVERSE6):
            digits = question.name.removesuffix(_REVERSE6).split(".")
            name = zone.names.get(format_address6(_nibbles(digits)))
            inside = False
        else:
            address = parse_address(".".join(reversed(question.name.removesuffix(_REVERSE).split("."))))
            name = zone.names.get(format_address(address))
            inside = any(address in block for block in blocks_of(zone))
    except AddressError:
        return None, []
    if name is None:
        return (NXDOMAIN if inside else None), []
    if question.kind not in (PTR, ANY):
        return NOERROR, []
    labels = [label.encode("ascii") for label in name.split(".")]
    return NOERROR, [_record(PTR, b"".join(bytes((len(label),)) + label for label in labels) + b"\0")]


def _nibbles(digits: list[str]) -> int:
    """The address that a name below ip6.arpa stands for (RFC 3596): its hexadecimal digits, the last one first."""
    if len(digits) != 32 or not all(len(digit) == 1 and digit in "0123456789abcdef" for digit in digits):
        raise AddressError(f"{'.'.join(digits)} is no address")
    return int("".join(reversed(digits)), 16)


def blocks_of(zone: Zone) -> tuple[Block, ...]:
    """Give the subnets of the client's stack as blocks."""
    return tuple(parse_block(subnet) for subnet in zone.subnets)


@lru_cache(maxsize=4096)
def _address_record(address: str) -> bytes:
    if ":" in address:
        return _record(AAAA, parse_address6(address).to_bytes(16, "big"))
    return _record(A, parse_address(address).to_bytes(4, "big"))


def _record(kind: int, data: bytes) -> bytes:
    return b"".join(
        (
            _RECORD_HEAD,
            kind.to_bytes(2, "big"),
            IN.to_bytes(2, "big"),
            TTL_SECONDS.to_bytes(4, "big"),
            len(data).to_bytes(2, "big"),
            data,
        )
    )
