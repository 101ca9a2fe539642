"""`run`: a container of its own beside a service's replicas, with our streams or a terminal."""

import hashlib
import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.records import read_records
from tests.stacks.outside import eventually
from tests.stacks.product import Windlass
from tests.stacks.test_terminal import Terminal, terminal

__all__ = ["terminal"]

FILE = """\
services:
  db:
    image: localhost/bb:1
    command: [sh, -c, 'touch /ready; exec sleep 1000']
    stop_signal: SIGKILL
    healthcheck: {test: [CMD, test, -e, /ready], interval: 1s, start_interval: 100ms, start_period: 10s}
  web:
    image: localhost/bb:1
    command: [echo, from the file]
    depends_on: {db: {condition: service_healthy}}
    environment: {ORIGIN: file}
    ports: ["127.0.0.1::80"]
    volumes: [/anonymous]
"""


@pytest.fixture
def boat(project: Callable[..., Windlass]) -> Windlass:
    return project(FILE)


def test_its_container_is_beside_the_service_after_what_that_depends_on(boat: Windlass) -> None:
    done = boat("run", "--rm", "web")
    assert done.stdout == "from the file\n"
    assert list(boat.ps()) == ["boat-db-1"]
    assert boat.ps()["boat-db-1"]["Health"] == "healthy"
    assert not boat("volumes", "-q").stdout, "its anonymous volume goes with it"


def test_options_change_the_service_and_its_status_becomes_ours(boat: Windlass) -> None:
    script = "echo $ORIGIN $MORE $(id -u) $(pwd); echo wrong >&2; exit 5"
    options = ["--rm", "--no-deps", "-q", "-e", "ORIGIN=a$b", "-e", "MORE=1", "-u", "1000", "-w", "/tmp"]
    done = boat("run", *options, "--entrypoint", "sh -c", "web", script, status=5)
    assert (done.stdout, done.stderr) == ("a$b 1 1000 /tmp\n", "wrong\n")
    assert "nosuch" in boat("run", "--rm", "--no-deps", "-q", "web", "nosuch", status=127).stderr
    assert "did you mean 'web'?" in boat("run", "wbe", status=1).stderr
    assert boat.ps() == {}


def test_what_it_leaves_bears_its_own_name_and_publishes_nothing(boat: Windlass) -> None:
    started = boat("run", "-d", "--no-deps", "web", "sleep", "1000").stdout.strip()
    record = next(each for each in read_records(boat.roots.stack("boat")) if each.spec.id == started)
    assert record.spec.name.startswith("boat-web-run-")
    assert record.spec.labels["com.docker.compose.oneoff"] == "True"
    assert record.state.ports == ()
    assert boat("run", "--rm", "-q", "--no-deps", "web", "nslookup", "web", status=1).stdout
    published = boat("run", "-d", "-P", "--no-deps", "--name", "own", "web", "sleep", "1000").stdout.strip()
    records = {each.spec.id: each for each in read_records(boat.roots.stack("boat"))}
    assert records[published].spec.name == "own"
    assert [port.container_port for port in records[published].state.ports] == [80]
    boat("up", "-d", "--scale", "web=1")
    assert {"own", "boat-web-1"} <= boat.ps().keys()
    boat("down", "-v", "-t", "0")
    assert boat.ps() == {}


def test_bytes_pass_in_and_out_unharmed(boat: Windlass) -> None:
    sent = os.urandom(20 << 20)
    argv = boat.argv("run", "--rm", "-q", "-T", "--no-deps", "web", "cat")
    done = subprocess.run(
        argv, cwd=boat.directory, env=boat.environment, input=sent, capture_output=True, check=True, timeout=100
    )
    assert hashlib.sha256(done.stdout).hexdigest() == hashlib.sha256(sent).hexdigest()


def test_signals_are_passed_on(boat: Windlass) -> None:
    script = "trap 'echo asked; exit 9' TERM; echo ready; while :; do sleep 0.1; done"
    with boat.start(
        "run", "--rm", "-q", "--no-deps", "web", "sh", "-c", script, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "asked\n"
        assert process.wait(10) == 9
    assert boat.ps() == {}


def test_a_killed_command_leaves_a_container_that_removes_itself_and_a_killed_supervisor_nothing_lost(
    boat: Windlass,
) -> None:
    script = "echo ready; read line; echo got $line; read line; echo end $line"
    options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with boat.start("run", "--rm", "-q", "--no-deps", "web", "sh", "-c", script, **options) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        os.kill(boat.supervisor_pid(), signal.SIGKILL)
        boat("ps")
        process.stdin.write("more\n")
        process.stdin.flush()
        assert process.stdout.readline() == "got more\n"
        process.kill()
    eventually(lambda: not boat.ps(), "the container is gone")


def test_it_has_a_terminal_of_our_size_from_its_first_moment(boat: Windlass, terminal: Terminal) -> None:
    terminal.run(boat, "run", "--rm", "-q", "--no-deps", "web", "sh", "-c", "stty size; exec sh")
    terminal.shows("30 100")
    terminal.tmux("resize-window", "-x", "120", "-y", "40")
    terminal.type("stty size; tty")
    assert "/dev/pts/0" in terminal.shows("40 120")
    terminal.type("exit 6")
    eventually(lambda: not boat.ps(), "the container is gone")  # what is typed before goes to its terminal
    terminal.type("echo status $?; stty -a | grep -o ' icanon'")
    assert " icanon" in terminal.shows("status 6")


def back_in_the_shell(terminal: Terminal) -> None:
    """Waits until the command has ended: what is typed before may still be read by it."""
    command = ("display-message", "-p", "#{pane_current_command}")
    eventually(lambda: terminal.tmux(*command).strip() == "sh", "the shell is back")


def test_the_detach_keys_leave_it_running(boat: Windlass, terminal: Terminal) -> None:
    terminal.run(boat, "run", "-q", "--no-deps", "--name", "own", "web", "sh")
    terminal.shows("/ #")
    terminal.tmux("send-keys", "C-p", "C-q")
    back_in_the_shell(terminal)
    terminal.type("echo status $?")
    terminal.shows("status 0")
    assert json.dumps(boat.ps()["own"]["State"]) == '"running"'


ATTACHED = """\
services:
  talk: {image: localhost/bb:1, command: [sh, -c, 'while read line; do echo got $$line; done'], stdin_open: true}
  shell: {image: localhost/bb:1, command: [sh], tty: true, stdin_open: true}
  mute: {image: localhost/bb:1, command: [sh, -c, 'trap "echo asked; exit 9" TERM; while :; do sleep 0.1; done']}
"""


def test_attach_writes_to_an_open_input_and_shows_what_comes(project: Callable[..., Windlass]) -> None:
    boat = project(ATTACHED)
    boat("up", "-d", "talk")
    with boat.start("attach", "talk", stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("one\n")
        process.stdin.flush()
        assert process.stdout.readline() == "got one\n"
    assert boat.ps()["boat-talk-1"]["State"] == "running"


def test_attach_passes_signals_on_and_gives_the_status(project: Callable[..., Windlass]) -> None:
    boat = project(ATTACHED)
    boat("up", "-d", "mute")
    with boat.start("attach", "mute", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        eventually(lambda: catches(process.pid, signal.SIGTERM), "it passes signals on")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 9


def catches(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler of its own."""
    caught = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


def test_attach_joins_a_terminal_and_detaches(project: Callable[..., Windlass], terminal: Terminal) -> None:
    boat = project(ATTACHED)
    boat("up", "-d", "shell")
    terminal.run(boat, "attach", "--detach-keys", "ctrl-x,x", "shell")
    terminal.shows("compose.cli attach")
    terminal.type("")
    terminal.shows("/ #")
    terminal.type("stty size")
    terminal.shows("30 100")
    terminal.tmux("send-keys", "C-x", "x")
    back_in_the_shell(terminal)
    terminal.type("echo status $?")
    terminal.shows("status 0")
    assert boat.ps()["boat-shell-1"]["State"] == "running"
