"""The command line without a stack: messages, exit statuses, what is loaded for what."""

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from compose.cli.failures import show
from compose.cli.main import main

CHECKOUT = Path(__file__).parents[3]
HEAVY = {"yaml", "jsonschema", "networkx", "pyroute2", "watchdog", "rich", "asyncio", "logging", "dataclasses"}


class Ended(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


Windlass = Callable[..., Ended]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "compose.yaml").write_text("name: shop\nservices:\n  web:\n    image: bb\n")
    return tmp_path


@pytest.fixture
def windlass(project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Windlass:
    """Types words in the project's directory, within this process."""
    monkeypatch.chdir(project)
    for name in [name for name in os.environ if name.startswith("COMPOSE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("WINDLASS_RUN_ROOT", "/nowhere/run")
    monkeypatch.setenv("WINDLASS_DATA_ROOT", "/nowhere/data")
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    def type_words(*words: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["windlass", *words])
        return Ended(main(), *capsys.readouterr())

    return type_words


def fresh_process(code: str, project: Path) -> Ended:
    """Runs code in a process of its own, for what concerns a whole process."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("COMPOSE_", "WINDLASS_"))}
    done = subprocess.run(
        [sys.executable, "-P", "-c", f"import os, sys; os.geteuid = lambda: 0; {code}"],
        check=False,
        capture_output=True,
        text=True,
        cwd=project,
        env={**environment, "PYTHONPATH": str(CHECKOUT), "WINDLASS_RUN_ROOT": "/no/run", "WINDLASS_DATA_ROOT": "/no/d"},
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def loaded(*words: str, cwd: Path) -> set[str]:
    code = (
        "from compose.cli.main import run; "
        f"status = run({list(words)!r}); print('modules', *sys.modules); sys.exit(status)"
    )
    done = fresh_process(code, cwd)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("modules ")[2].split())


@pytest.mark.parametrize("words", [("--version",), ("version",)])
def test_the_version_is_told(windlass: Windlass, words: tuple[str, ...]) -> None:
    assert windlass(*words).stdout == "windlass version 0.1.0\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("pss",), "windlass has no verb 'pss'\n  hint: did you mean 'ps'?\n"),
        (("publish",), "windlass publish is not supported yet"),
        (("up", "--bogus"), "windlass up: No such option: --bogus"),
        (("-p",), "windlass: Option '-p' requires an argument."),
        (("--ansi", "pink", "version"), "--ansi pink: no such choice\n  hint: choose one of: auto, always, never"),
        (("-p", "Foo", "ps"), "'Foo' cannot be a stack's name"),
        (("up", "--scale", "web"), "--scale web: not of the form SERVICE=NUMBER"),
    ],
)
def test_what_is_typed_wrong_ends_with_a_message_a_hint_and_status_1(
    windlass: Windlass, words: tuple[str, ...], message: str
) -> None:
    done = windlass(*words)

    assert done.stderr.startswith(message)
    assert (done.returncode, done.stdout) == (1, "")


def test_a_file_that_is_wrong_is_shown_with_places(windlass: Windlass, project: Path) -> None:
    (project / "compose.yaml").write_text("services:\n  web:\n    image: bb\n    restrat: always\n")
    done = windlass("config")

    assert (
        done.stderr == "compose.yaml:4:5: services.web has no key 'restrat' [WL101]\n  hint: did you mean 'restart'?\n"
    )
    assert done.returncode == 1


def test_a_bug_says_that_it_is_one() -> None:
    stream = io.StringIO()

    assert show(KeyError("oops"), stream) == 70
    assert "KeyError: 'oops'" in stream.getvalue()
    assert "this is a bug in windlass 0.1.0" in stream.getvalue()


def test_help_lists_the_verbs(windlass: Windlass) -> None:
    done = windlass("--help")

    assert done.returncode == 0
    assert re.search(r"^  down +Stops the stack", done.stdout, re.MULTILINE)
    assert windlass().stdout == done.stdout


def test_every_verb_has_help(windlass: Windlass) -> None:
    for verb in (
        "build",
        "check",
        "config",
        "doctor",
        "down",
        "exec",
        "explain",
        "graph",
        "images",
        "logs",
        "plan",
        "ps",
        "up",
        "version",
    ):
        done = windlass(verb, "--help")
        assert (done.returncode, done.stderr) == (0, ""), verb


def test_ps_of_nothing_is_a_bare_table_and_makes_nothing(windlass: Windlass) -> None:
    done = windlass("ps")

    assert done.stdout == "NAME   IMAGE   COMMAND   SERVICE   CREATED   STATUS   PORTS\n"
    assert not Path("/nowhere").exists()


def test_ps_and_logs_load_no_yaml_nor_anything_heavy(project: Path) -> None:
    for verb in ("ps", "logs", "images"):
        assert loaded(verb, cwd=project) & HEAVY == set(), verb


def test_config_loads_yaml_but_nothing_heavier(project: Path) -> None:
    assert loaded("config", cwd=project) & HEAVY == {"yaml"}


def test_config_prints_yaml_or_json_or_names(windlass: Windlass) -> None:
    assert windlass("config", "--services").stdout == "web\n"
    assert windlass("config", "--images").stdout == "bb\n"
    assert windlass("config", "-q").stdout == ""
    assert windlass("config").stdout.startswith("name: shop\nservices:\n  web:\n")
    assert windlass("config", "--format", "json").stdout.startswith('{\n  "name": "shop",')


@pytest.mark.parametrize("verb", ["up", "down", "ps", "plan", "exec web true", "logs", "build", "images"])
def test_nobody_but_root_is_told_so_before_anything_is_touched(
    windlass: Windlass, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    done = windlass(*verb.split())

    assert done.stderr.startswith("windlass needs root")
    assert done.returncode == 1
    assert not Path("/nowhere").exists()


def test_a_broken_service_does_not_hide_what_is_wrong_elsewhere(windlass: Windlass, project: Path) -> None:
    (project / "compose.yaml").write_text(
        "services:\n"
        "  web:\n"
        "    image: bb\n"
        "    restrat: always\n"
        "    command: {}\n"
        "  worker:\n"
        "    image: bb\n"
        "    depends_on: [wbe]\n"
    )
    shown = windlass("config").stderr.splitlines()
    assert [line for line in shown if not line.startswith("  hint: ")] == [
        "compose.yaml:4:5: services.web has no key 'restrat' [WL101]",
        "compose.yaml:5:14: services.web.command must be a list, not a mapping [WL102]",
        "compose.yaml:8:18: services.worker depends on 'wbe', which is no service of this stack [WL201]",
    ]


def test_explain_prints_what_a_code_means_or_the_list_of_all(windlass: Windlass) -> None:
    assert windlass("explain", "wl101").stdout.startswith("WL101: a key that Compose files do not know\n\n")
    assert windlass("explain").stdout.startswith("WL001  there is no Compose file\n")
    assert json.loads(windlass("explain", "301", "--format", "json").stdout)[0]["code"] == "WL301"
    assert windlass("explain", "WL999").stderr == (
        "there is no code 'WL999'\n  hint: `windlass explain` lists them all\n"
    )


def test_check_tells_people_and_editors_what_is_wrong(windlass: Windlass, project: Path) -> None:
    assert windlass("check") == (0, "", "")
    assert json.loads(windlass("check", "--format", "json").stdout) == {"valid": True, "problems": []}
    (project / "compose.yaml").write_text("services:\n  web:\n    image: bb\n    restrat: always\n")
    done = windlass("check")
    assert (done.returncode, done.stdout) == (
        1,
        "compose.yaml:4:5: services.web has no key 'restrat' [WL101]\n  hint: did you mean 'restart'?\n",
    )
    done = windlass("check", "--format", "json")
    (problem,) = json.loads(done.stdout)["problems"]
    assert (done.returncode, problem["code"], problem["line"], problem["path"]) == (
        1,
        "WL101",
        4,
        "services.web.restrat",
    )


def test_help_is_a_verb_too(windlass: Windlass) -> None:
    assert windlass("help").stdout == windlass("--help").stdout
    assert windlass("help", "stop").stdout == windlass("stop", "--help").stdout


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            ImportError("/lib/_socket.so: cannot open shared object file: Too many open files"),
            (
                "/lib/_socket.so: cannot open shared object file: Too many open files\n"
                "  hint: raise the limit of open files (ulimit -n)\n"
            ),
        ),
        (
            ImportError("/lib/_socket.so: failed to map segment from shared object"),
            (
                "/lib/_socket.so: failed to map segment from shared object\n"
                "  hint: the machine, or this command's control group, has no memory left\n"
            ),
        ),
        (
            MemoryError(),
            "Cannot allocate memory\n  hint: the machine, or this command's control group, has no memory left\n",
        ),
    ],
)
def test_what_the_machine_lacks_is_no_bug_while_libraries_are_loaded(error: Exception, told: str) -> None:
    stream = io.StringIO()
    assert show(error, stream) == 1
    assert stream.getvalue() == told
