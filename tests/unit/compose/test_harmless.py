"""What programs print cannot command a terminal."""

import pytest

from compose.showing.harmless import harmless
from compose.showing.logfilter import LineFilter, pattern
from engine.logreader import Run

STAMP = b"2026-11-21T12:00:00.000000000Z"


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        (b"plain\ttext\nnext", b"plain\ttext\nnext"),
        (b"\x1b[31mred\x1b[0m\nplain", b"\x1b[31mred\x1b[0m\x1b[0m\nplain"),
        (b"\x1b[2J\x1b]0;title\x07", b"\\x1b[2J\\x1b]0;title\\x07"),
        (b"10%\r20%\r", b"10%\\r20%"),
        (b"windows\r\nends", b"windows\nends"),
        (b"nul\0 \x9b2J", b"nul\\x00 \\x9b2J"),
        ("grün \u202eback".encode(), "grün \\u202eback".encode()),
        (b"\xc2\x9b2J", b"\\x9b2J"),
    ],
)
def test_commands_are_shown_and_colours_end_with_their_line(printed: bytes, shown: bytes) -> None:
    assert harmless(printed).removesuffix(b"\x1b[0m") == shown.removesuffix(b"\x1b[0m")


def test_only_lines_that_match_are_shown() -> None:
    run = Run(STAMP, "stdout", b"one\ntwo\n\nthree\n")
    assert LineFilter(matching=pattern("^t")).lines(run) == b"two\nthree"
    assert LineFilter(matching=pattern("^$")).lines(run) == b""
    assert LineFilter(matching=pattern("x")).lines(run) is None


def test_time_bounds_a_run() -> None:
    run = Run(STAMP, "stdout", b"one\n")
    assert LineFilter(since=STAMP).lines(run) == b"one"
    assert LineFilter(until=STAMP).lines(run) is None
