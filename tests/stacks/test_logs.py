"""`logs`: which lines, of which containers, in which order, and how it ends."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.layout import Layout
from engine.logstore import LogWriter
from engine.records import read_records
from tests.stacks.product import Windlass

NOON = 1_795_262_400_000_000_000  # 2026-11-21T12:00:00Z
SECOND = 1_000_000_000
FILE = """
services:
  web: {image: localhost/bb:1, command: [sleep, "1000"], stop_grace_period: 0s, scale: 2}
  db: {image: localhost/bb:1, command: [sleep, "1000"], stop_grace_period: 0s}
"""
TALKING = """
services:
  web:
    image: localhost/bb:1
    command: [sh, -c, 'echo "$$WORD of $$HOSTNAME"; exec sleep 1000']
    environment: {WORD: "%s"}
    hostname: web
    stop_grace_period: 0s
"""


def log_of(boat: Windlass, container: str) -> Path:
    """The directory of a container's log."""
    place = boat.roots.stack("boat")
    ids = {record.spec.name: record.spec.id for record in read_records(place)}
    return place.data(ids[container])


def say(boat: Windlass, container: str, second: int, text: str, stream: str = "stdout") -> None:
    """Has a container say something so many seconds after noon."""
    log = LogWriter(log_of(boat, container))
    log.write("stderr" if stream == "stderr" else "stdout", text.encode(), NOON + second * SECOND)
    log.close()


@pytest.fixture
def boat(project: Callable[..., Windlass]) -> Windlass:
    """Containers that have said this and that; none of them has ever run."""
    boat = project(FILE)
    boat("create")
    say(boat, "boat-web-1", 1, "one\n")
    say(boat, "boat-db-1", 2, "two\n", "stderr")
    say(boat, "boat-web-2", 3, "three\n")
    say(boat, "boat-web-1", 4, "four\nfive\n", "stderr")
    say(boat, "boat-db-1", 5, "six\n")
    return boat


@contextmanager
def following(boat: Windlass, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`logs -f`; its standard output is a pipe."""
    with boat.start("logs", "-f", *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as logs:
        yield logs


def test_the_lines_of_all_services_are_merged_by_time(boat: Windlass) -> None:
    assert boat("logs").stdout == (
        "web-1  | one\ndb-1   | two\nweb-2  | three\nweb-1  | four\nweb-1  | five\ndb-1   | six\n"
    )
    assert boat("logs", "-t", "db").stdout == (
        "db-1  | 2026-11-21T12:00:02.000000000Z two\ndb-1  | 2026-11-21T12:00:05.000000000Z six\n"
    )


def test_only_the_lines_that_are_asked_for_are_shown(boat: Windlass) -> None:
    for options, shown in (
        (("--since", "2026-11-21T12:00:04Z"), "four five six"),
        (("--since", str(NOON // SECOND + 5)), "six"),
        (("--until", "2026-11-21T12:00:03Z"), "one two"),
        (("--since", "2026-11-21T12:00:02Z", "--until", "2026-11-21T12:00:04Z"), "two three"),
        (("--since", "2026-11-21T13:00:01+01:00", "--until", "2026-11-21T12:00:01.5Z"), "one"),
        (("--tail", "1"), "three five six"),
        (("-n", "2", "web"), "three four five"),
        (("--tail", "0"), ""),
        (("--tail", "all"), "one two three four five six"),
        (("--tail", "-1"), "one two three four five six"),
        (("--index", "1", "web"), "one four five"),
        (("--index", "2", "web"), "three"),
        (("--grep", "^[ft]"), "two three four five"),
        (("--grep", "e$", "web"), "one three five"),
        (("--grep", "nothing"), ""),
        (("db",), "two six"),
        (("db", "web"), "one two three four five six"),
    ):
        assert (options, boat("logs", "--no-log-prefix", *options).stdout.split()) == (options, shown.split())


def test_json_tells_time_container_and_stream(boat: Windlass) -> None:
    lines = [json.loads(line) for line in boat("logs", "--json", "--since", "2026-11-21T12:00:04Z").stdout.splitlines()]
    assert lines[0] == {
        "time": "2026-11-21T12:00:04.000000000Z",
        "service": "web",
        "container": "boat-web-1",
        "stream": "stderr",
        "text": "four",
    }
    assert [line["text"] for line in lines] == ["four", "five", "six"]


def test_what_cannot_be_meant_is_said(boat: Windlass) -> None:
    for options, message in (
        (("--since", "yesterday"), "--since yesterday: neither a time nor a duration"),
        (("--tail", "few"), "--tail few: neither a number of lines nor 'all'"),
        (("--grep", "("), "--grep (: no regular expression"),
        (("--index", "3", "web"), "service web has no container 3"),
        (("--index", "1"), "--index needs one service"),
        (("--format", "yaml"), "--format"),
        (("wbe",), "no such service: wbe"),
    ):
        done = boat("logs", *options, status=1)
        assert message in done.stderr
        assert done.stdout == ""


def test_a_rotated_log_is_read_back_whole_and_its_oldest_lines_go(project: Callable[..., Windlass]) -> None:
    options = "image: localhost/bb:1, command: [seq, '2000'], logging: {driver: json-file, options: "
    boat = project(
        f"services: {{whole: {{{options}{{max-size: 8k, max-file: '50'}}}}}},"
        f" some: {{{options}{{max-size: 8k, max-file: '3'}}}}}}}}"
    )
    boat("up")
    numbers = [str(number) for number in range(1, 2001)]
    assert boat("logs", "--no-log-prefix", "whole").stdout.split() == numbers
    assert boat("logs", "--no-log-prefix", "--tail", "1500", "whole").stdout.split() == numbers[500:]
    kept = boat("logs", "--no-log-prefix", "some").stdout.split()
    assert kept[1:] == numbers[1 - len(kept) :], "all but the oldest, whose beginning may be in a file that is gone"
    sizes = {path.name: path.stat().st_size for path in log_of(boat, "boat-some-1").glob("log*")}
    assert sorted(sizes) == ["log", "log.1", "log.2"]
    assert max(sizes.values()) <= 8 * 1024
    assert len(list(log_of(boat, "boat-whole-1").glob("log*"))) > 10


def test_following_goes_on_over_restarts_new_replicas_and_recreation(project: Callable[..., Windlass]) -> None:
    keeper = "  keeper: {image: localhost/bb:1, command: [sleep, '1000'], stop_grace_period: 0s}\n"
    boat = project(TALKING % "first" + keeper)
    boat("up", "-d")
    with following(boat) as logs:
        assert logs.stdout is not None
        assert logs.stdout.readline() == "web-1     | first of web\n"
        boat("restart", "web")
        assert logs.stdout.readline() == "web-1 exited with code 137\n"
        assert logs.stdout.readline() == "web-1     | first of web\n"
        boat("scale", "web=2")
        assert logs.stdout.readline() == "web-2     | first of web\n"
        (boat.directory / "compose.yaml").write_text(TALKING % "second" + keeper)
        boat("up", "-d", "--scale", "web=2")
        lines = sorted(logs.stdout.readline() for _ in range(4))
        assert lines == [
            "web-1     | second of web\n",
            "web-1 exited with code 137\n",
            "web-2     | second of web\n",
            "web-2 exited with code 137\n",
        ]
        boat("down")
        rest, errors = logs.communicate(timeout=20)
    assert sorted(rest.splitlines()) == [
        "keeper-1 exited with code 137",
        "web-1 exited with code 137",
        "web-2 exited with code 137",
    ]
    assert (logs.returncode, errors) == (0, "")


def test_following_begins_with_the_last_lines_and_keeps_to_one_service(project: Callable[..., Windlass]) -> None:
    boat = project(
        TALKING % "some"
        + """
  other: {image: localhost/bb:1, command: [sh, -c, 'echo never shown; exec sleep 1000'], stop_grace_period: 0s}
"""
    )
    boat("up", "-d")
    boat("exec", "-T", "web", "sh", "-c", "seq 3 >/proc/1/fd/1")
    with following(boat, "--tail", "2", "--no-log-prefix", "web") as logs:
        assert logs.stdout is not None
        assert [logs.stdout.readline() for _ in range(2)] == ["2\n", "3\n"]
        boat("exec", "-T", "other", "sh", "-c", "echo not me >/proc/1/fd/1")
        boat("exec", "-T", "web", "sh", "-c", "echo me >/proc/1/fd/2")
        assert logs.stdout.readline() == "me\n"
        logs.send_signal(signal.SIGINT)
        assert logs.communicate(timeout=20) == ("", "")
    assert logs.returncode == 130


def test_stopped_containers_have_logs_and_nobody_needs_to_follow_them(project: Callable[..., Windlass]) -> None:
    boat = project(TALKING % "last")
    boat("up", "-d")
    boat("stop")
    assert boat("logs").stdout == "web-1  | last of web\n"
    with following(boat) as logs:
        assert logs.communicate(timeout=20) == ("web-1  | last of web\n", "")
    assert logs.returncode == 0


def test_ctrl_c_ends_a_long_history_at_once(project: Callable[..., Windlass]) -> None:
    boat = project(TALKING % "long")
    boat("up", "-d")
    say(boat, "boat-web-1", 0, "a line of a long history\n" * 200_000)
    with following(boat) as logs:
        assert logs.stdout is not None
        logs.stdout.readline()  # the rest stays in the pipe, which is full soon
        logs.send_signal(signal.SIGINT)
        assert logs.wait(timeout=5) == 130
        assert logs.stderr is not None
        assert logs.stderr.read() == ""


@pytest.mark.parametrize("options", [(), ("-f",), ("--json",)])
def test_whoever_has_read_enough_ends_it_quietly(project: Callable[..., Windlass], options: tuple[str, ...]) -> None:
    boat = project(TALKING % "long")
    boat("up", "-d")
    say(boat, "boat-web-1", 0, "a line of a long history\n" * 100_000)
    with boat.start("logs", *options, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as logs:
        assert logs.stdout is not None
        logs.stdout.readline()
        logs.stdout.close()
        assert logs.wait(timeout=10) == 128 + signal.SIGPIPE
        assert logs.stderr is not None
        assert logs.stderr.read() == ""


@pytest.fixture
def small_disk(roots: Layout) -> Iterator[None]:
    """Containers have two megabytes of room, logs and all."""
    roots.containers.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "wl-small", roots.containers], check=True)
    yield
    subprocess.run(["umount", roots.containers], check=True)


@pytest.mark.usefixtures("small_disk")
def test_output_that_no_room_was_for_is_told_of_everywhere(project: Callable[..., Windlass]) -> None:
    boat = project("services: {web: {image: localhost/bb:1, command: [sh, -c, 'seq 200000; exit 3']}}")
    boat("up", status=None)
    container = boat.ps()["boat-web-1"]
    assert (container["State"], container["ExitCode"]) == ("exited", 3)
    warning = re.compile(r"boat-web-1: \d{6,7} bytes of its output were dropped, its log could not be written")
    done = boat("logs", "--no-log-prefix")
    assert warning.search(done.stderr)
    assert done.stdout.split()[:3] == ["1", "2", "3"]
    assert warning.search(boat("ps", "-a").stderr)
    events = [
        json.loads(line) for line in boat("events", "--json", "--since", "1h", "--until", "0s").stdout.splitlines()
    ]
    assert "drop" in {event["action"] for event in events}
    boat("down")


def test_without_a_log_nothing_is_kept_and_that_is_said(project: Callable[..., Windlass]) -> None:
    boat = project(TALKING % "unheard" + "    logging: {driver: none}\n")
    boat("up", "-d")
    done = boat("logs")
    assert (done.stdout, done.stderr.count("its logging driver is 'none'")) == ("", 1)
    assert not os.listdir(log_of(boat, "boat-web-1")) or not list(log_of(boat, "boat-web-1").glob("log*"))
