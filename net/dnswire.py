"""Reads DNS messages (RFC 1035, section 4), trusting nothing in them."""

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from net.addresses import Block

HEADER = struct.Struct("!6H")
QR, AA, TC, RD, RA = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080
OPCODE_MASK, RCODE_MASK = 0x7800, 0x000F
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = 0, 1, 2, 3, 4, 5
A, PTR, AAAA, OPT, ANY = 1, 12, 28, 41, 255
IN = 1
MAX_UDP_BYTES = 512
"""What a client takes that does not say otherwise (RFC 1035, section 4.2.1)."""

_RECORD = struct.Struct("!HHIH")
_TYPE_AND_CLASS = struct.Struct("!HH")
_MAX_NAME_BYTES = 255
_MAX_RECORDS = 4096
_V4_MAPPED = bytes(10) + b"\xff\xff"


class MalformedError(ValueError):
    """A message that does not follow the format."""


class Question(NamedTuple):
    """What is asked: the name in lower case without a final dot, and where the question ends in the message.

    A name with a byte that no host name has, a dot inside a label for one, is empty here: it is nobody's.
    """

    name: str
    kind: int
    klass: int
    end: int


def read_question(message: bytes) -> Question:
    """Read the one question of a query. A compressed name is malformed here: there is nothing before it."""
    at = HEADER.size
    labels = []
    try:
        while length := message[at]:
            if length > 63:
                raise MalformedError("a label is too long, or compressed")
            labels.append(message[at + 1 : at + 1 + length])
            at += 1 + length
        kind, klass = _TYPE_AND_CLASS.unpack_from(message, at + 1)
    except (IndexError, struct.error):
        raise MalformedError("the question is cut off") from None
    if at + 1 - HEADER.size > _MAX_NAME_BYTES:
        raise MalformedError("the name is too long")
    return Question(_host_name(labels), kind, klass, at + 5)


def _host_name(labels: list[bytes]) -> str:
    name = b".".join(labels)
    if name.count(b".") != max(0, len(labels) - 1) or not name.isascii():
        return ""
    return name.decode("ascii").lower()


def advertised_size(message: bytes, end_of_question: int) -> int | None:
    """Find the size of answer that a query's sender takes by UDP (RFC 6891); None when it knows no EDNS."""
    for kind, klass, _ in _records(message, end_of_question, HEADER.unpack_from(message)[3:]):
        if kind == OPT:
            return max(MAX_UDP_BYTES, klass)
    return None


def points_into(message: bytes, blocks: Sequence[Block]) -> bool:
    """Tell whether an answer holds an address in one of the blocks, be it written as an IPv6 one."""
    counts = HEADER.unpack_from(message)[2:]
    if counts[0] != 1:
        raise MalformedError("an answer repeats its one question")
    end = read_question(message).end
    for kind, _, data in _records(message, end, counts[1:]):
        if kind == A and len(data) == 4:
            raw = data
        elif kind == AAAA and len(data) == 16 and data[:12] in (_V4_MAPPED, bytes(12)):
            raw = data[12:] if data[12:] != b"\0\0\0\1" else b"\x7f\0\0\1"
        else:
            continue
        address = int.from_bytes(raw, "big")
        if any(address in block for block in blocks):
            return True
    return False


def _records(message: bytes, at: int, counts: Sequence[int]) -> Iterator[tuple[int, int, bytes]]:
    """Walk the records behind the question: type, class and data of each."""
    if sum(counts) > _MAX_RECORDS:
        raise MalformedError("more records than any message needs")
    for _ in range(sum(counts)):
        at = _skip_name(message, at)
        try:
            kind, klass, _, length = _RECORD.unpack_from(message, at)
        except struct.error:
            raise MalformedError("a record is cut off") from None
        at += _RECORD.size
        if at + length > len(message):
            raise MalformedError("a record is cut off")
        yield kind, klass, message[at : at + length]
        at += length


def _skip_name(message: bytes, at: int) -> int:
    """Find the end of a name. A pointer ends it, so none is ever followed, and no loop can be walked."""
    try:
        while length := message[at]:
            if length >= 0xC0:
                return at + 2
            if length > 63:
                raise MalformedError("a label is too long")
            at += 1 + length
    except IndexError:
        raise MalformedError("a name is cut off") from None
    return at + 1
