"""Two streams become one again, in the order in which they were written."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.logreader import read
from engine.spec import LogOptions
from engine.supervisor.arrivals import Arrivals, Part, in_order
from engine.supervisor.intake import Intake
from engine.supervisor.logs import Output, make_fifos
from engine.supervisor.loop import Loop

OUT, ERR = 0, 1


@pytest.mark.parametrize(
    ("out", "err", "runs", "order"),
    [
        (b"1\n2\n3\n", b"a\nb\n", (OUT, ERR, OUT, ERR, OUT), "1 a 2 b 3"),
        (b"1\n2\n3\n", b"a\n", (OUT, ERR), "1+2+3 a"),
        (b"1\n2\n", b"a\nb\nc\nd\n", (ERR, OUT, ERR, OUT), "a+b 1 c+d 2"),
        (b"1\n2", b"a\n", (OUT, ERR, OUT), "1 a 2"),
        (b"1", b"a\n", (OUT, ERR, OUT), "1 a"),
        (b"1\n", b"a\n", (ERR,), "a 1"),
        (b"1\n", b"a\n", (), "1 a"),
        (b"1\n2\n", b"", (OUT,), "1+2"),
    ],
)
def test_each_run_gets_its_lines(out: bytes, err: bytes, runs: tuple[int, ...], order: str) -> None:
    parts = in_order((out, err), bytes(runs))
    assert " ".join(part.text.decode().strip().replace("\n", "+") for part in parts) == order
    assert {part.stream for part in parts if part.text[:1].isdigit()} <= {OUT}


@given(st.binary(max_size=30), st.binary(max_size=30), st.lists(st.sampled_from([OUT, ERR]), max_size=12))
def test_nothing_is_lost_whatever_the_kernel_told(out: bytes, err: bytes, runs: list[int]) -> None:
    parts = in_order((out, err), bytes(runs))
    for stream, text in ((OUT, out), (ERR, err)):
        assert b"".join(part.text for part in parts if part.stream == stream) == text
    assert Part(OUT, b"") not in parts


@pytest.mark.parametrize("with_intake", [True, False])
def test_what_waits_in_both_fifos_is_logged_in_the_order_of_writing(tmp_path: Path, with_intake: bool) -> None:
    fifos = tmp_path / "c1"
    fifos.mkdir()
    make_fifos(fifos)
    loop, arrivals = Loop(), Arrivals()
    intake = Intake.open(tmp_path) if with_intake else None
    output = Output(fifos, tmp_path, loop, LogOptions(), arrivals=arrivals, intake=intake)
    far_ends = output.open_far_ends()
    output.read()
    for number in range(100):
        os.write(far_ends[number % 3 == 0], b"%d\n" % number)
    loop.turn(0)
    lines = list(read(tmp_path))
    assert [line.text for line in lines] == [b"%d" % number for number in range(100)]
    assert [line.stream for line in lines[:4]] == ["stderr", "stdout", "stdout", "stderr"]
    assert [line.time_ns for line in lines] == sorted(line.time_ns for line in lines)
    output.close()
    for number in far_ends:
        os.close(number)
    assert not arrivals.watched
    for each in (intake, arrivals, loop):
        if each is not None:
            each.close()


def test_a_restart_does_not_mix_runs_of_different_containers(tmp_path: Path) -> None:
    arrivals = Arrivals()
    fifos = [tmp_path / name for name in ("a", "b", "c", "d")]
    for fifo in fifos:
        os.mkfifo(fifo)
    first = arrivals.watch(fifos[0], fifos[1])
    second = arrivals.watch(fifos[2], fifos[3])
    assert first is not None
    assert second is not None
    ends = [os.open(fifo, os.O_RDWR) for fifo in fifos]
    for number in (0, 2, 1, 3, 3, 0, 2):
        os.write(ends[number], b"x")
    assert first.take() == bytes((OUT, ERR, OUT))
    assert first.take() == b""
    first.close()
    os.write(ends[0], b"x")
    assert second.take() == bytes((OUT, ERR, OUT))
    second.close()
    assert arrivals.watch(tmp_path / "none", fifos[0]) is None
    assert not arrivals.watched
    arrivals.close()
    for end in ends:
        os.close(end)
