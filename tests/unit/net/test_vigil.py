"""What notifications say about a table."""

import struct

import pytest

from net.vigil import table_is_gone

NEW, DEL, OTHER = 0xA00, 0xA02, 0xA0F


def notification(kind: int, table: bytes) -> bytes:
    name = table + b"\0"
    attribute = struct.pack("=HH", 4 + len(name), 1) + name + bytes(-len(name) % 4)
    return struct.pack("=IHHII", 20 + len(attribute), kind, 0, 1, 0) + bytes((2, 0, 0, 0)) + attribute


OURS, THEIRS = b"windlass-shop-0123abcd", b"windlass-shop"


@pytest.mark.parametrize(
    ("notifications", "before", "after"),
    [
        (b"", False, False),
        (notification(DEL, OURS), False, True),
        (notification(DEL, OURS) + notification(NEW, OURS), False, False),
        (notification(DEL, THEIRS), False, False),
        (notification(NEW, THEIRS), True, True),
        (notification(NEW, OURS), True, False),
        (notification(OTHER, OURS), True, True),
        (notification(DEL, OURS)[:-8], False, False),
        (b"\0" * 64, True, True),
    ],
)
def test_a_table_is_gone_once_deleted_and_not_made_again(notifications: bytes, before: bool, after: bool) -> None:
    assert table_is_gone(notifications, OURS, gone=before) is after
