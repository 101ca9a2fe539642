"""`exec` on a real terminal, driven through tmux."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.stacks.outside import eventually
from tests.stacks.product import Windlass

FILE = "services: {web: {image: localhost/bb:1, command: [sleep, '1000'], stop_signal: SIGKILL}}"


class Terminal:
    """A terminal of 100 columns and 30 rows that nobody looks at."""

    def __init__(self) -> None:
        self.socket = f"wltest-{os.getpid()}-{os.urandom(4).hex()}"

    def tmux(self, *arguments: str, **options: object) -> str:
        argv = ["tmux", "-f", "/dev/null", "-L", self.socket, *arguments]
        done = subprocess.run(argv, check=False, capture_output=True, text=True, **options)  # type: ignore[call-overload] # keywords pass through
        return done.stdout

    def run(self, windlass: Windlass, *arguments: str) -> None:
        environment = {**windlass.environment, "TERM": "xterm"}
        shell = ["-x", "100", "-y", "30", "sh"]
        self.tmux("new-session", "-d", *shell, env=environment, cwd=windlass.directory)
        self.tmux("set", "-g", "status", "off")
        self.type(shlex.join(windlass.argv(*arguments)))

    def type(self, text: str) -> None:
        self.tmux("send-keys", text, "Enter")

    def screen(self) -> str:
        return self.tmux("capture-pane", "-p")

    def is_back(self) -> None:
        """Waits for the prompt of the shell that everything was typed into: keys typed before are the program's."""
        eventually(lambda: self.screen().rstrip().rpartition("\n")[2] == "#", "the shell's prompt")

    def shows(self, text: str) -> str:
        return eventually(lambda: self.screen() if text in self.screen() else "", f"{text!r} on the terminal")


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    if shutil.which("tmux") is None:
        pytest.fail("tmux is missing: run .ci/bootstrap test")
    made = Terminal()
    yield made
    made.tmux("kill-server")


def test_exec_gives_a_terminal_of_our_size_that_follows_and_is_restored(
    project: Callable[..., Windlass], terminal: Terminal
) -> None:
    boat = project(FILE)
    boat("up", "-d")
    terminal.run(boat, "exec", "web", "sh")
    terminal.shows("/ #")
    terminal.type("stty size; test -t 0 && echo is a $((40+2)) terminal")
    assert "30 100" in terminal.shows("is a 42 terminal")
    terminal.tmux("resize-window", "-x", "120", "-y", "40")
    terminal.type("stty size")
    terminal.shows("40 120")
    terminal.type("exit 7")
    terminal.is_back()
    terminal.type("echo status $?; stty -a | grep -o ' icanon'")
    assert " icanon" in terminal.shows("status 7")
    boat("down")


def test_ctrl_c_reaches_the_program_inside(project: Callable[..., Windlass], terminal: Terminal) -> None:
    boat = project(FILE)
    boat("up", "-d")
    terminal.run(boat, "exec", "web", "sh")
    terminal.shows("/ #")
    terminal.type("sh -c 'echo begun $((40+2)); exec sleep 999'; echo status $?")
    terminal.shows("begun 42")  # an earlier Ctrl-C would be the outer shell's
    terminal.tmux("send-keys", "C-c")
    terminal.type("echo alive $((20+3))")
    terminal.shows("alive 23")
    terminal.type("exit")
    boat("down")


def test_a_program_that_was_left_goes_on_whatever_it_prints(
    project: Callable[..., Windlass], terminal: Terminal
) -> None:
    boat = project(FILE)
    boat("up", "-d")
    (boat.directory / "script").write_text(
        "trap 'touch /hung-up' HUP; echo begun $((40+2)); while ! test -e /go; do sleep 0.02; done\n"
        "seq 1 20000; test -t 1 && touch /done\n"
    )
    boat("cp", "script", "web:/script")
    terminal.run(boat, "exec", "web", "sh", "/script")
    terminal.shows("begun 42")
    terminal.tmux("send-keys", "C-p", "C-q")
    terminal.is_back()
    terminal.type("echo left $((20+3)) with $?")
    terminal.shows("left 23 with 0")
    boat("exec", "-T", "web", "touch", "/go")
    eventually(lambda: boat("exec", "-T", "web", "test", "-e", "/done", status=None).returncode == 0, "its end")
    boat("exec", "-T", "web", "test", "-e", "/hung-up", status=1)
    boat("down")


def test_closing_the_window_hangs_up_what_runs_on_it(project: Callable[..., Windlass], terminal: Terminal) -> None:
    boat = project(FILE)
    boat("up", "-d")
    terminal.run(boat, "exec", "web", "sh", "-c", "echo begun $((40+2)); exec sleep 999")
    terminal.shows("begun 42")
    assert "sleep 999" in boat("top").stdout
    terminal.tmux("kill-server")
    eventually(lambda: "sleep 999" not in boat("top").stdout, "the end of the program")
    boat("down")


def test_ctrl_z_is_the_program_s_own(project: Callable[..., Windlass], terminal: Terminal) -> None:
    boat = project(FILE)
    boat("up", "-d")
    terminal.run(boat, "exec", "web", "sh")
    terminal.shows("/ #")
    terminal.type("sh -c 'echo begun $((40+2)); exec sleep 999'")
    terminal.shows("begun 42")
    terminal.tmux("send-keys", "C-z")
    terminal.shows("Stopped")
    terminal.type("jobs; kill %1; echo still $((20+3)) inside")
    terminal.shows("still 23 inside")
    terminal.type("exit")
    boat("down")


def test_the_menu_s_keys_watch_and_detach(project: Callable[..., Windlass], terminal: Terminal) -> None:
    boat = project("""
        services:
          web:
            image: localhost/bb:1
            command: [sh, -c, 'echo begun $$((40+2)); exec sleep 1000']
            stop_signal: SIGKILL
            develop: {watch: [{path: ./src, action: sync, target: /app}]}
    """)
    (boat.directory / "src").mkdir()
    terminal.run(boat, "up", "--menu")
    terminal.shows("begun 42")
    terminal.shows("d Detach   w Watch on/off   Ctrl+C Stop")
    terminal.tmux("send-keys", "w")
    terminal.shows("Watch enabled")
    (boat.directory / "src" / "file").write_text("given")
    eventually(lambda: boat("exec", "-T", "web", "cat", "/app/file", status=None).stdout == "given", "the file")
    terminal.tmux("send-keys", "w")
    terminal.shows("Watch disabled")
    terminal.tmux("send-keys", "d")
    terminal.shows("detached: the stack goes on")
    terminal.is_back()
    terminal.type("echo left with $?; stty -a | grep -o ' icanon'")
    assert " icanon" in terminal.shows("left with 0")
    assert boat.ps()["boat-web-1"]["State"] == "running"
    boat("down")
