"""Files into containers and out of them, while the container does all that it can against it."""

import os
import select
import stat
import sys
from functools import partial
from pathlib import Path

import pytest

from engine.copies import visits
from engine.copies.copying import Begin, Manner, copy_in, copy_out, stream_out
from engine.copies.syncing import Change, sync
from engine.errors import CopyError, EngineError
from tests.kernel.engine.boxes import Box, Boxes, python_mounts

pytestmark = pytest.mark.root

ROUNDS = 20
SWAPPING = """
import ctypes, os
libc = ctypes.CDLL(None)
os.makedirs("/a/b/c"); os.makedirs("/evil/b")
open("/a/b/c/file", "w").write("inside")
os.symlink({canary!r}, "/evil/a"); os.symlink({canary!r}, "/evil/b/link")
os.symlink({canary!r} + "/file", "/evil/file")
print("ready", flush=True)
pairs = [(b"/a", b"/evil/a"), (b"/a/b", b"/evil/b/link"), (b"/a/b/c", b"/evil/b/link"), (b"/a/b/c/file", b"/evil/file")]
while True:
    for one, other in pairs:
        for _ in range(2):
            libc.renameat2(-100, one, -100, other, 2)
"""


def way_into(box: Box) -> Begin:
    return partial(visits.visit_running, box.launched.pidfd, own_users=True, name="web-1")


def ready(box: Box) -> None:
    assert select.select([box.output], [], [], 20)[0]
    assert os.read(box.output, 100) == b"ready\n"


def test_names_that_are_exchanged_all_the_time_lead_nowhere(boxes: Boxes, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    canary.mkdir()
    (canary / "file").write_text("the host's")
    given = tmp_path / "given"
    given.write_text("given")
    python = os.path.realpath(sys.executable)
    script = SWAPPING.format(canary=str(canary))
    box = boxes.start(python, "-I", "-c", script, mounts=python_mounts())
    ready(box)
    begin = way_into(box)
    done = 0
    for number in range(ROUNDS):
        for attempt in (
            partial(copy_out, begin, "/a/b/c/file", str(tmp_path / f"file-{number}"), Manner()),
            partial(copy_out, begin, "/a/b", str(tmp_path / f"tree-{number}"), Manner(archive=True)),
            partial(copy_out, begin, "/a/b/c/file", str(tmp_path / f"followed-{number}"), Manner(follow=True)),
            partial(copy_in, [begin], str(given), "/a/b/c/file", Manner()),
            partial(sync, [begin], [Change(str(given), "/a/b/c/synced")], ["/a/b/c/file"], ""),
        ):
            try:
                attempt()
                done += 1
            except EngineError:
                continue
    assert done > ROUNDS, "most of it works nevertheless"
    assert os.listdir(canary) == ["file"]
    assert (canary / "file").read_text() == "the host's"
    for path in tmp_path.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.parent != canary:
            assert path.read_text() in {"inside", "given"}, path


def test_what_is_odd_is_copied_or_said_and_never_waited_for(boxes: Boxes, tmp_path: Path) -> None:
    box = boxes.start(
        "sh",
        "-c",
        "mkdir /odd; mkfifo /odd/fifo; ln -s /odd /odd/loop; ln -s nowhere /odd/dangling; touch '/odd/a\nb';"
        "echo x > /odd/file; chmod 0 /odd/file; echo ready; exec sleep 1000",
    )
    ready(box)
    copied = copy_out(way_into(box), "/odd", str(tmp_path / "odd"), Manner())
    assert copied.entries == 5
    assert sorted(os.listdir(tmp_path / "odd")) == ["a\nb", "dangling", "fifo", "file", "loop"]
    assert stat.S_ISFIFO((tmp_path / "odd" / "fifo").stat().st_mode)
    with pytest.raises(CopyError, match="there is no /odd/dangling"):
        copy_out(way_into(box), "/odd/dangling", str(tmp_path / "x"), Manner(follow=True))


def test_the_reader_s_end_ends_the_sender(boxes: Boxes) -> None:
    box = boxes.start("sh", "-c", "head -c 50000000 /dev/zero > /large; echo ready; exec sleep 1000")
    ready(box)

    class FullError(CopyError):
        pass

    def full(_piece: bytes | memoryview) -> None:
        raise FullError("no room")

    with pytest.raises(FullError):
        stream_out(way_into(box), "/large", full, Manner())


def test_a_container_that_has_ended_is_said(boxes: Boxes, tmp_path: Path) -> None:
    box = boxes.start("true")
    box.wait()
    with pytest.raises(CopyError, match="web-1 has just ended"):
        copy_out(way_into(box), "/etc", str(tmp_path / "x"), Manner())
