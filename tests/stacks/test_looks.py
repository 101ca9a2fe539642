"""The verbs that show what there is, on a real stack."""

import json
import subprocess
from collections.abc import Callable

from engine.images.store import ImageStore
from engine.records import read_records
from engine.version import VERSION
from tests.stacks.outside import kill_supervisor
from tests.stacks.product import Windlass

FILE = """
services:
  web:
    image: localhost/bb:1
    command: [sleep, "1000"]
    stop_signal: SIGKILL
    ports: ["127.0.0.1::80", "53/udp"]
    scale: 2
  db:
    image: localhost/bb:1
    command: [sh, -c, "sleep 1001 & exec sleep 1002"]
    stop_signal: SIGKILL
    volumes: ["data:/data", /scratch]
volumes:
  data:
"""


def test_ls_lists_stacks_with_what_runs_of_them(project: Callable[[str], Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    boat("stop", "db")
    file = str(boat.directory / "compose.yaml")
    assert json.loads(boat("ls", "--format", "json").stdout) == [
        {"Name": "boat", "Status": "running(2)", "ConfigFiles": file}
    ]
    assert boat("ls", "-a").stdout.splitlines() == [
        "NAME   STATUS                  CONFIG FILES",
        f"boat   exited(1), running(2)   {file}",
    ]
    assert boat("ls", "-q", "--filter", "name=bo").stdout == "boat\n"
    assert boat("ls", "-q", "--filter", "name=oa").stdout == ""
    assert "only name=TEXT" in boat("ls", "--filter", "status=x", status=1).stderr
    boat("down", "-v")
    assert boat("ls", "-a", "-q").stdout == ""


def test_port_tells_where_a_port_is_published(project: Callable[[str], Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    first = boat("port", "web", "80").stdout
    assert first.startswith("127.0.0.1:")
    assert boat("port", "--index", "2", "web", "80").stdout not in {first, ""}
    assert boat("port", "--protocol", "udp", "web", "53").stdout.startswith("0.0.0.0:")
    assert "no port 81/tcp for container boat-web-1" in boat("port", "web", "81", status=1).stderr
    assert "no such service: wbe" in boat("port", "wbe", "81", status=1).stderr
    boat("down", "-v")


def test_top_lists_the_processes(project: Callable[[str], Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    lines = boat("top", "db").stdout.splitlines()
    assert lines[0].split() == ["SERVICE", "#", "UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
    assert sorted(line.split(None, 9)[9] for line in lines[1:]) == ["sleep 1001", "sleep 1002"]
    boat("down", "-v")


def test_volumes_lists_the_stacks_volumes(project: Callable[[str], Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    names = boat("volumes", "-q").stdout.split()
    assert "boat_data" in names
    assert len(names) == 2
    assert boat("volumes", "-q", "web").stdout == ""
    values = [json.loads(line) for line in boat("volumes", "--format", "json").stdout.splitlines()]
    assert {value["Name"] for value in values} == set(names)
    boat("down", "-v")


def test_ps_shows_what_was_asked_for(project: Callable[[str], Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    boat("stop", "db")
    assert boat("ps", "-aq", "--status", "exited", "--format", "x{{.}}").stdout == boat("ps", "-aq", "db").stdout
    assert boat("ps", "--services", "--filter", "status=running").stdout == "web\n"
    assert boat("ps", "--status", "paused", "--format", "{{.Name}}").stdout == ""
    assert boat("ps", "--format", r"table {{.Service}}\t{{.State}}", "-a").stdout.splitlines() == [
        "SERVICE   STATE",
        "db        exited",
        "web       running",
        "web       running",
    ]
    template = '{{.Label "com.docker.compose.container-number"}}/{{range .Publishers}}{{.TargetPort}} {{end}}'
    assert boat("ps", "--format", template).stdout == "1/80 53 \n2/80 53 \n"
    shown = json.loads(boat("ps", "--format", "json", "--no-trunc", "-a", "db").stdout)
    assert (shown["Command"], shown["LocalVolumes"], len(shown["ID"])) == (
        "\"sh -c 'sleep 1001 & exec sleep 1002'\"",
        "2",
        64,
    )
    assert "choose one of: paused" in boat("ps", "--status", "up", status=1).stderr
    assert "only status=STATE" in boat("ps", "--filter", "name=x", status=1).stderr
    (boat.directory / "compose.yaml").write_text("services: {db: {image: localhost/bb:1}}")
    assert boat("ps", "-a", "--orphans=false", "--format", "{{.Name}}").stdout == "boat-db-1\n"
    boat("down", "-v", "--remove-orphans")


def test_lists_take_templates(project: Callable[[str], Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    assert boat("ls", "--format", "{{.Name}} {{.Status}}").stdout == "boat running(3)\n"
    assert boat("volumes", "--format", "{{.Name}}").stdout == boat("volumes", "-q").stdout
    assert boat("images", "--format", "{{.ContainerName}} {{.Repository}}:{{.Tag}}", "db").stdout == (
        "boat-db-1 localhost/bb:1\n"
    )
    assert json.loads(boat("images", "--format", "json", "db").stdout)[0]["Created"].endswith("Z")
    boat("down", "-v")


def test_stats_tells_what_containers_use(project: Callable[[str], Windlass]) -> None:
    boat = project(
        """
services:
  busy: {image: localhost/bb:1, command: [sh, -c, "while :; do :; done"], mem_limit: 64m, stop_signal: SIGKILL}
  idle: {image: localhost/bb:1, command: [sleep, "1000"], stop_signal: SIGKILL}
  done: {image: localhost/bb:1, command: ["true"]}
"""
    )
    boat("up", "-d")
    boat("wait", "done")
    boat("exec", "-T", "busy", "nc", "-w", "1", "idle", "9", status=1)
    lines = boat("stats", "--no-stream", "--format", "json", "-a").stdout.splitlines()
    busy, done, idle = sorted(map(json.loads, lines), key=lambda values: values["Name"])
    assert float(busy["CPUPerc"].removesuffix("%")) > 1
    assert float(idle["CPUPerc"].removesuffix("%")) < 1
    assert busy["MemUsage"].endswith(" / 64MiB")
    assert busy["NetIO"] != "0B / 0B"
    assert (busy["PIDs"], idle["PIDs"]) == ("1", "1")
    assert (done["CPUPerc"], done["MemUsage"], done["PIDs"]) == ("0.00%", "0B / 0B", "0")
    assert boat("stats", "--no-stream", "--format", "{{.Name}}", "idle", "done").stdout == "boat-idle-1\n"
    table = boat("stats", "--no-stream").stdout.splitlines()
    assert table[0].split("  ")[0] == "CONTAINER ID"
    assert len(table) == 3
    boat("down")


def test_events_are_told_as_they_come_and_afterwards(project: Callable[[str], Windlass]) -> None:
    boat = project(
        """
services:
  web: {image: localhost/bb:1, command: [sleep, "1000"], stop_signal: SIGKILL, labels: {role: front}}
  job: {image: localhost/bb:1, command: [sh, -c, "exit 3"]}
"""
    )
    with boat.start("events", "--json", "--since", "1m", stdout=subprocess.PIPE) as listening:
        assert listening.stdout
        boat("up", "-d", "web")
        told = [json.loads(listening.stdout.readline()) for _ in range(2)]
        boat("down")
        told += [json.loads(listening.stdout.readline()) for _ in range(3)]
    assert [event["action"] for event in told] == ["create", "start", "stop", "die", "destroy"]
    assert {event["service"] for event in told} == {"web"}
    assert told[0]["type"] == "container"
    assert told[0]["attributes"] == {"image": "localhost/bb:1", "name": "boat-web-1", "role": "front"}
    assert len(told[0]["id"]) == 64
    boat("up", "-d")
    boat("wait", "job", status=3)
    kill_supervisor(boat)
    boat("restart", "web")
    lines = boat("events", "--since", "10m", "--until", "0s", "--json").stdout.splitlines()
    past = [json.loads(line) for line in lines]
    assert [event["action"] for event in past if event["service"] == "job"] == ["create", "start", "die"]
    assert [event["attributes"]["exitCode"] for event in past if event["action"] == "die"] == ["3", "137"]
    assert boat("events", "--since", "10m", "--until", "5m").stdout == ""
    lines = boat("events", "--since", "10m", "--until", "0s", "job").stdout.splitlines()
    assert [line.split()[2:4] for line in lines] == [["container", word] for word in ("create", "start", "die")]
    boat("down")


def test_progress_for_programs_tells_the_events_as_well(project: Callable[[str], Windlass]) -> None:
    boat = project(FILE)
    lines = [json.loads(line) for line in boat("--progress", "json", "up", "-d", "db").stderr.splitlines()]
    events = [line for line in lines if line.get("type") == "container"]
    assert [event["action"] for event in events] == ["create", "start"]
    assert any(line.get("id") == "Container boat-db-1" and line["text"] == "Started" for line in lines)
    boat("down", "-v")


def test_everything_carries_the_labels_of_compose(project: Callable[[str], Windlass]) -> None:
    boat = project(
        """
services:
  web:
    build: .
    command: [sleep, "1000"]
    stop_signal: SIGKILL
    depends_on: {db: {condition: service_started, restart: true}}
  db: {image: localhost/bb:1, command: [sleep, "1000"], stop_signal: SIGKILL, volumes: ["data:/data"]}
volumes:
  data:
"""
    )
    (boat.directory / ".env").write_text("A=1\n")
    (boat.directory / "Dockerfile").write_text("FROM localhost/bb:1\n")
    boat("up", "-d")
    web, db = _labels(boat, "web"), _labels(boat, "db")
    digest, image = web.pop("config-hash"), web.pop("image")
    assert len(digest) == 64
    assert image.startswith("sha256:")
    assert web == {
        "container-number": "1",
        "depends_on": "db:service_started:true",
        "oneoff": "False",
        "project": "boat",
        "project.config_files": str(boat.directory / "compose.yaml"),
        "project.environment_file": str(boat.directory / ".env"),
        "project.working_dir": str(boat.directory),
        "service": "web",
        "version": VERSION,
    }
    assert "replace" not in db
    built = ImageStore(boat.roots.images, boat.roots.cache).find("boat-web")
    assert built
    assert built.config.labels == {
        "com.docker.compose.project": "boat",
        "com.docker.compose.service": "web",
        "com.docker.compose.version": VERSION,
    }
    volume = '{{.Label "com.docker.compose.volume"}} {{.Label "com.docker.compose.version"}}'
    assert boat("volumes", "--format", volume).stdout == f"data {VERSION}\n"
    boat("up", "-d", "--force-recreate", "db")
    assert _labels(boat, "db")["replace"] == "db-1"
    boat("down", "-v", "--rmi", "local")


def _labels(windlass: Windlass, service: str) -> dict[str, str]:
    """Those of Compose's own, without what they all begin with."""
    spec = next(
        record.spec for record in read_records(windlass.roots.stack(windlass.stack)) if record.spec.service == service
    )
    return {key.removeprefix("com.docker.compose."): value for key, value in spec.labels.items()}
