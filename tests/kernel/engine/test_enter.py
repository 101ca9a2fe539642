"""Running one more program inside a container."""

import os
from pathlib import Path
from typing import Any

import pytest

from engine import namespaces
from engine.errors import StartError
from engine.layout import Layout
from engine.processes import kill_and_reap
from engine.terminals import WindowSize
from tests.kernel.engine.boxes import Box, Boxes

pytestmark = pytest.mark.root


@pytest.fixture
def box(boxes: Boxes) -> Box:
    """A container that waits to be entered."""
    return boxes.start("sleep", "1000", environment={"ONLY": "the first"})


def test_it_lives_where_the_container_lives(box: Box) -> None:
    said = box.enter("sh", "-c", "hostname; cat /etc/hosts; ps -o args | head -2; cut -d: -f3 /proc/self/cgroup | uniq")
    assert said.output.split("\n")[:4] == ["web", "the engine's hosts", "COMMAND", "sleep 1000"]
    assert set(said.output.split("\n")[4:-1]) == {"/"}
    assert said.code == 0


def test_it_has_no_more_rights_than_the_container(box: Box) -> None:
    said = box.enter("sh", "-c", "grep -E '^(Cap|Seccomp:)' /proc/self/status; unshare -U true; ulimit -c").output
    assert said.count("00000000800405fb") == 3
    assert "Seccomp:\t2" in said
    assert "Operation not permitted" in said
    assert said.endswith("\n0\n")


def test_it_gets_exactly_three_descriptors(box: Box) -> None:
    # The fourth is what ls reads the directory with; a shell would hold a pipe now and then.
    assert box.enter("ls", "/proc/self/fd").output.split() == ["0", "1", "2", "3"]


def test_it_is_whoever_it_is_told_to_be(box: Box) -> None:
    said = box.enter("sh", "-c", "id -u; id -G; pwd; echo $HOME $ONLY$OWN", user="bob", environment={"OWN": "own"})
    assert said.output == "1000\n1001 10 60\n/\n/home/bob own\n"


def test_its_exit_code_is_told(box: Box) -> None:
    assert box.enter("sh", "-c", "exit 42").code == 42


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        ({"argv": ("nope",)}, 127, 'cannot start "nope": not found'),
        ({"argv": ("/etc/passwd",)}, 126, 'cannot start "/etc/passwd": it is not executable'),
        ({"argv": ("pwd",), "working_directory": "/nowhere"}, 126, "the container has no directory /nowhere"),
        ({"argv": ("id",), "user": "joe"}, 125, "cannot run as 'joe'"),
    ],
)
def test_what_cannot_run_says_why(box: Box, given: dict[str, Any], code: int, message: str) -> None:
    argv = given.pop("argv")
    with pytest.raises(StartError) as caught:
        box.enter(*argv, **given)
    assert caught.value.exit_code == code
    assert caught.value.message.startswith(message)


def test_a_terminal_is_the_containers_own(box: Box) -> None:
    script = "tty; stty size; echo hello >/dev/tty; stat -c %u $(tty)"
    said = box.enter("sh", "-c", script, window=WindowSize(30, 100), user="bob")
    assert said.output.split("\r\n") == ["/dev/pts/0", "30 100", "hello", "1000", ""]


def test_without_a_terminal_there_is_none(box: Box) -> None:
    assert box.enter("tty").output == "not a tty\n"


def test_a_container_that_has_ended_cannot_be_entered(boxes: Boxes) -> None:
    box = boxes.start("true")
    box.wait()
    kill_and_reap(box.launched.pidfd)
    with pytest.raises(StartError):
        box.enter("true")


def test_python_is_sealed_before_it_enters(boxes: Boxes, tmp_path: Path) -> None:
    """An image that looks like Python's own library, and an encoding that only it has, stay data."""
    layer = tmp_path / "layer"
    for name in ("encodings/idna.py", "pwd.py", "grp.py"):
        for place in (str(Path(os.__file__).parent), "/usr/lib/python3"):
            path = layer / place.lstrip("/") / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("open('/canary', 'w')\n")
    box = boxes.start("sleep", "1000", layers=(boxes.layer, layer))
    said = box.enter("sh", "-c", "test -e /canary && echo taken; echo done")
    assert said.output == "done\n"


def test_exit_records_outlive_everybody(boxes: Boxes, roots: Layout) -> None:
    pins = roots.run / "pins"
    namespaces.ensure_pins(pins)
    try:
        box = boxes.start("sh", "-c", "exit 9")
        namespaces.pin_process(box.launched.pidfd, pins / "one")
        box.wait()
        kill_and_reap(box.launched.pidfd)
        status = namespaces.exit_status_of_pin(pins / "one")
        assert status is None or os.waitstatus_to_exitcode(status) == 9
    finally:
        namespaces.remove_pins(pins)
