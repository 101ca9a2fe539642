"""What `ps`, `logs` and progress print."""

import io

import msgspec
import pytest

from compose.doing.plainlines import JsonLines, PlainLines
from compose.doing.reports import Report
from compose.showing.formats import listed
from compose.showing.listing import CONTAINERS, command_text, container_row, container_rows, status_text
from compose.showing.livelines import LiveLines
from compose.showing.loglines import Prefixes
from compose.showing.usage import usage_row
from compose.times import rough_duration, size_text, timestamp
from engine.logreader import Run
from engine.spec import ContainerSpec, Process, VolumeMount
from engine.state import ContainerRecord, ContainerState
from engine.usage import Usage
from net.spec import Endpoint, PublishedPort

SECOND = 1_000_000_000
NOW = 1_795_228_200 * SECOND


def record(**state: object) -> ContainerRecord:
    spec = ContainerSpec(
        id="0123456789abcdef" * 4,
        name="shop-web-1",
        stack="shop",
        service="web",
        number=1,
        image_id="sha256:1",
        image_name="bb:1",
        layers=(),
        process=Process(argv=("nginx", "-g", "daemon off;")),
        hostname="h",
        config_hash="",
        exposed_ports=("80/tcp", "443/tcp"),
        endpoints=(Endpoint(network="shop_default"),),
        mounts=(VolumeMount(volume="shop_data", target="/d"),),
        labels={"b": "2", "a": "1"},
    )
    values = {
        "status": "running",
        "created_ns": NOW - 300 * SECOND,
        "started_ns": NOW - 60 * SECOND,
        "ports": (PublishedPort(container_port=80, host_port=8080),),
        **state,
    }
    return ContainerRecord(spec=spec, state=msgspec.convert({"id": spec.id, **values}, ContainerState, strict=False))


def test_ps_is_a_table() -> None:
    assert listed(container_rows([record(health="healthy")], now_ns=NOW), "table", CONTAINERS).splitlines() == [
        "NAME         IMAGE   COMMAND                  SERVICE   CREATED         STATUS                        PORTS",
        (
            'shop-web-1   bb:1    "nginx -g \'daemon of…"   web       5 minutes ago   '
            "Up About a minute (healthy)   0.0.0.0:8080->80/tcp, 443/tcp"
        ),
    ]


def test_an_end_that_nobody_saw_is_no_success() -> None:
    row = container_row(record(status="exited", exit_code=None, finished_ns=NOW - SECOND, ports=()), now_ns=NOW)
    assert (row.fields["ExitCode"], row.fields["Status"]) == (-1, "Exited (unknown) 1 second ago")


def test_ps_prints_json_lines_with_the_keys_of_compose() -> None:
    assert container_row(record(), now_ns=NOW).fields == {
        "Command": '"nginx -g \'daemon of…"',
        "CreatedAt": "2026-11-21 02:25:00 +0000 UTC",
        "ExitCode": 0,
        "Health": "",
        "ID": "0123456789ab",
        "Image": "bb:1",
        "Labels": "a=1,b=2",
        "LocalVolumes": "1",
        "Mounts": "shop_data",
        "Name": "shop-web-1",
        "Names": "shop-web-1",
        "Networks": "shop_default",
        "Ports": "0.0.0.0:8080->80/tcp, 443/tcp",
        "Project": "shop",
        "Publishers": [
            {"URL": "0.0.0.0", "TargetPort": 80, "PublishedPort": 8080, "Protocol": "tcp"},
            {"URL": "", "TargetPort": 443, "PublishedPort": 0, "Protocol": "tcp"},
        ],
        "RunningFor": "5 minutes ago",
        "Service": "web",
        "Size": "0B",
        "State": "running",
        "Status": "Up About a minute",
    }
    assert listed(container_rows([record(), record()], now_ns=NOW), "json", CONTAINERS).count("\n") == 2


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"status": "created"}, "Created"),
        ({"health": "starting"}, "Up About a minute (health: starting)"),
        ({"health": "unhealthy"}, "Up About a minute (unhealthy)"),
        ({"status": "exited", "exit_code": 3, "finished_ns": NOW - 2 * SECOND}, "Exited (3) 2 seconds ago"),
        ({"status": "exited", "finished_ns": NOW - SECOND}, "Exited (unknown) 1 second ago"),
        ({"status": "exited", "exit_code": 137, "oom_killed": True}, "Exited (137, out of memory)"),
        ({"status": "restarting", "exit_code": 1, "finished_ns": NOW}, "Restarting (1) Less than a second ago"),
    ],
)
def test_the_status_says_since_when(state: dict[str, object], expected: str) -> None:
    assert status_text(record(**state).state, now_ns=NOW) == expected


def test_whole_rows_are_not_cut() -> None:
    fields = container_row(record(), now_ns=NOW, whole=True).fields

    assert (fields["ID"], fields["Command"]) == ("0123456789abcdef" * 4, "\"nginx -g 'daemon off;'\"")


def test_a_command_of_several_lines_stays_on_one() -> None:
    assert command_text(("sh", "-c", 'a\n"b"')) == r'''"sh -c a\n\"b\""'''


def test_short_commands_are_not_cut() -> None:
    assert command_text(("sleep", "1d")) == '"sleep 1d"'


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "Less than a second"),
        (1, "1 second"),
        (59, "59 seconds"),
        (61, "About a minute"),
        (120, "2 minutes"),
        (3600, "About an hour"),
        (7200, "2 hours"),
        (47 * 3600, "47 hours"),
        (3 * 86400, "3 days"),
        (15 * 86400, "2 weeks"),
        (90 * 86400, "3 months"),
        (800 * 86400, "2 years"),
    ],
)
def test_durations_are_told_roughly(seconds: int, expected: str) -> None:
    assert rough_duration(seconds * SECOND) == expected


@pytest.mark.parametrize(("size", "expected"), [(0, "0B"), (999, "999B"), (1500, "1.5kB"), (12_340_000, "12.3MB")])
def test_sizes_have_decimal_units(size: int, expected: str) -> None:
    assert size_text(size) == expected


def test_timestamps_have_nanoseconds() -> None:
    assert timestamp(NOW + 5) == "2026-11-21T02:30:00.000000005Z"


def test_log_prefixes_are_short_names_padded_to_the_longest() -> None:
    prefixes = Prefixes("shop", ["shop-web-1", "other"], color=False)

    run = Run(b"2026", "stdout", b"")
    assert prefixes.text("shop-web-1", run, b"hello\nyou") == b"web-1  | hello\nweb-1  | you\n"
    assert prefixes.text("shop-worker-1", run, b"x") == b"worker-1  | x\n"
    assert prefixes.text("other", run, b"\xff", stamped=True) == b"other     | 2026 \xff\n"
    assert prefixes.ended("shop-web-1", 3, restarting=True) == "web-1 exited with code 3 (restarting)"


def test_log_prefixes_take_turns_in_colour_and_leave_the_text_alone() -> None:
    prefixes = Prefixes("shop", ["a", "b"], color=True)

    run = Run(b"2026", "stdout", b"")
    assert prefixes.text("a", run, b"hello") == b"\x1b[36ma  | \x1b[0mhello\n"
    assert prefixes.text("b", run, b"hello") == b"\x1b[33mb  | \x1b[0mhello\n"


def test_log_prefixes_can_be_left_out() -> None:
    run = Run(b"2026", "stdout", b"")
    assert Prefixes("shop", ["a"], color=True, shown=False).text("a", run, b"hello\n") == b"hello\n\n"


def test_plain_progress_is_one_line_a_report() -> None:
    stream = io.StringIO()
    PlainLines(stream).report(Report("Container web-1", "Started", over=True))

    assert stream.getvalue() == " Container web-1  Started\n"


def test_json_progress_is_one_object_a_report() -> None:
    stream = io.StringIO()
    JsonLines(stream).report(Report("Container web-1", "Error", "no such file", over=True, failed=True))

    assert stream.getvalue() == ('{"id":"Container web-1","status":"Error","text":"Error","details":"no such file"}\n')


def test_a_terminal_shows_one_live_line_a_resource_and_counts_what_does_not_fit() -> None:
    stream = io.StringIO()
    live = LiveLines(stream, title="up", resources=["Container a", "Container b"], color=False, size=(40, 4))
    live.report(Report("Container a", "Started", over=True))
    live.report(Report("Container b", "Starting"))
    live.close()

    first, last = stream.getvalue().split("\x1b[2F\x1b[J")
    assert first == "[+] up 1/2\n ✔ Container a  Started            0.0s\n"
    assert last.splitlines()[:2] == ["[+] up 1/2", " ✔ Container a  Started            0.0s"]
    assert last.splitlines()[2][2:] == " Container b  Starting           0.0s"


def test_stats_has_the_fields_of_compose() -> None:
    usage = Usage(
        processor_ns=750_000_000,
        memory_bytes=2_000_000,
        memory_limit_bytes=64 << 20,
        received_bytes=1500,
        sent_bytes=20,
        read_bytes=0,
        written_bytes=4096,
        processes=3,
    )
    before = usage._replace(processor_ns=500_000_000)

    assert usage_row(record(), (usage, NOW + SECOND), (before, NOW)).fields == {
        "BlockIO": "0B / 4.1kB",
        "CPUPerc": "25.00%",
        "Container": "0123456789ab",
        "ID": "0123456789ab",
        "MemPerc": "2.98%",
        "MemUsage": "1.907MiB / 64MiB",
        "Name": "shop-web-1",
        "NetIO": "1.5kB / 20B",
        "PIDs": "3",
    }
    assert usage_row(record(), None, (usage, NOW)).fields["MemUsage"] == "0B / 0B"
    assert usage_row(record(), (usage, NOW), None, whole=True).fields["ID"] == "0123456789abcdef" * 4
