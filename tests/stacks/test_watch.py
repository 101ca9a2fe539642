"""`watch`: files that change on this side, and what comes of it in containers."""

import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.stacks.outside import eventually
from tests.stacks.product import Windlass

FILE = """
services:
  web:
    image: localhost/bb:1
    command: [sh, -c, 'echo begun; exec sleep 1000']
    env_file: [{path: settings.env, required: false}]
    stop_signal: SIGKILL
    develop:
      watch:
        - {path: ./src, action: sync, target: /app, ignore: [node_modules/, '*.log'], initial_sync: true}
        - {path: ./settings, action: sync+restart, target: /etc/settings, include: ['*.conf']}
        - path: ./hooked
          action: sync+exec
          target: /hooked
          exec: {command: [sh, -c, 'cp /hooked/in /hooked/out; echo ran the hook']}
  other: {image: localhost/bb:1, command: [sleep, '1000'], stop_signal: SIGKILL}
"""


class Watch:
    """A watch under way, with all that it has said."""

    def __init__(self, process: subprocess.Popen[str], said: Path) -> None:
        self._process = process
        self._said = said

    def says(self, text: str) -> str:
        return eventually(lambda: self._said.read_text() if text in self._said.read_text() else "", text)

    def end(self) -> int:
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(20)


@contextmanager
def watching(boat: Windlass, *words: str) -> Iterator[Watch]:
    said = boat.directory.parent / "said"
    with (
        said.open("w") as file,
        boat.start(*words, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL) as process,
    ):
        watch = Watch(process, said)
        watch.says("Watch enabled")
        yield watch
        assert watch.end() in {0, 130}


def content(boat: Windlass, path: str) -> str:
    return boat("exec", "-T", "web", "cat", path, status=None).stdout


def make_files(boat: Windlass) -> Path:
    for name in ("src/node_modules/package", "src/deep/er", "settings", "hooked"):
        (boat.directory / name).mkdir(parents=True)
    (boat.directory / "src" / "first").write_text("1")
    (boat.directory / "src" / "noise.log").write_text("never")
    (boat.directory / "src" / "node_modules" / "package" / "large").write_text("never")
    return boat.directory / "src"


def test_changed_files_come_into_the_container_and_removed_ones_go(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    src = make_files(boat)
    with watching(boat, "watch", "web") as watch:
        eventually(lambda: content(boat, "/app/first") == "1", "the first copy")
        assert boat("exec", "-T", "web", "ls", "/app").stdout == "deep\nfirst\n"
        (src / "second").write_text("2")
        eventually(lambda: content(boat, "/app/second") == "2", "a new file")
        (src / "deep" / "er" / "third").write_text("3")
        eventually(lambda: content(boat, "/app/deep/er/third") == "3", "a file far below")
        (src / "new").mkdir()
        (src / "new" / "fourth").write_text("4")
        eventually(lambda: content(boat, "/app/new/fourth") == "4", "a file in a new directory")
        (src / "second").rename(src / "renamed")
        eventually(lambda: content(boat, "/app/renamed") == "2", "a renamed file")
        boat("exec", "-T", "web", "test", "-e", "/app/second", status=1)
        (src / "node_modules" / "package" / "large").write_text("still never")
        (src / "first").unlink()
        eventually(
            lambda: boat("exec", "-T", "web", "test", "-e", "/app/first", status=None).returncode == 1, "its removal"
        )
        assert boat("exec", "-T", "web", "ls", "/app").stdout == "deep\nnew\nrenamed\n"
        assert "Syncing service web after 1 change was detected" in watch.says("Syncing")
    assert set(boat.ps()) == {"boat-web-1"}, "only what was named was started, and it goes on"


def test_what_is_included_restarts_the_service_or_runs_a_program(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    make_files(boat)
    with watching(boat, "watch") as watch:
        before = boat.pids()["boat-web-1"]
        (boat.directory / "settings" / "notes.txt").write_text("no setting")
        (boat.directory / "hooked" / "in").write_text("given")
        watch.says("ran the hook")
        assert content(boat, "/hooked/out") == "given"
        assert boat.pids()["boat-web-1"] == before
        (boat.directory / "settings" / "a.conf").write_text("yes")
        watch.says("web: restarted")
        assert content(boat, "/etc/settings/a.conf") == "yes"
        assert boat.pids()["boat-web-1"] != before
        assert "other" not in watch.says("web: restarted").partition("Watch enabled")[2]


BUILT = """
services:
  web:
    build: .
    command: [cat, /greeting]
    entrypoint: [sh, -c, 'cat /greeting; exec sleep 1000']
    stop_signal: SIGKILL
    develop:
      watch:
        - {path: ., action: rebuild}
"""


def test_a_rebuild_makes_the_container_anew_and_a_broken_one_leaves_it(project: Callable[..., Windlass]) -> None:
    boat = project(BUILT)
    (boat.directory / "Dockerfile").write_text("FROM localhost/bb:1\nCOPY greeting /greeting\n")
    (boat.directory / ".dockerignore").write_text("*.md\ncompose.yaml\n")
    (boat.directory / "greeting").write_text("hello\n")
    with watching(boat, "up", "--build", "--watch") as watch:
        watch.says("web-1  | hello")
        (boat.directory / "README.md").write_text("of no interest")
        (boat.directory / "greeting").write_text("ahoy\n")
        watch.says("web-1  | ahoy")
        watch.says("web: rebuilt")
        first = boat.pids()["boat-web-1"]
        (boat.directory / "Dockerfile").write_text("FROM localhost/bb:1\nCOPY nowhere /greeting\n")
        watch.says("nowhere")
        assert boat.pids()["boat-web-1"] == first
        (boat.directory / "Dockerfile").write_text("FROM localhost/bb:1\nCOPY greeting /greeting\nLABEL mended=1\n")
        eventually(lambda: boat.pids().get("boat-web-1", first) != first, "a new container")
    assert boat.ps()["boat-web-1"]["State"] == "exited", "`up` stops what it has shown"


def test_a_killed_command_leaves_no_watch_behind(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    make_files(boat)
    with boat.start("up", "--watch", "web", stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stderr is not None
        assert any("Watch enabled" in line for line in process.stderr)
        process.kill()
        process.stderr.read()  # to its end: until nobody has it open any more


def test_the_file_itself_is_followed_and_its_mistakes_change_nothing(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    make_files(boat)
    file = boat.directory / "compose.yaml"
    with watching(boat, "watch") as watch:
        file.write_text(FILE.replace("echo begun", "nonsense: ["))
        file.write_text(FILE.replace("command: [sleep", "comand: [sleep"))
        watch.says("the stack stays as it was")
        assert "services.other has no key 'comand'" in watch.says("comand")
        file.write_text(FILE.replace("target: /app", "target: /moved").replace("'1000'], stop", "'999'], stop"))
        eventually(lambda: content(boat, "/moved/first") == "1", "the new target")
        assert "999" in boat("top", "other").stdout
        (boat.directory / "settings.env").write_text("WORD=second\n")
        asked = ("exec", "-T", "web", "sh", "-c", "echo $WORD")
        eventually(lambda: boat(*asked, status=None).stdout == "second\n", "the new variable")


def test_what_cannot_be_watched_is_said(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    assert "service other has nothing to watch" in boat("watch", "other", status=1).stderr
    boat = project(FILE.replace("action: sync,", "action: rebuild,"))
    assert "service web cannot be rebuilt: it has no `build`" in boat("watch", status=1).stderr
    boat = project("services: {web: {image: localhost/bb:1}}")
    assert "no service has anything to watch" in boat("watch", status=1).stderr
