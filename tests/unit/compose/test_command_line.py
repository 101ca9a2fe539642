"""The command line without a stack: messages, exit statuses, what is loaded for what."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[3]
HEAVY = {"yaml", "jsonschema", "networkx", "pyroute2", "watchdog", "rich", "asyncio", "logging", "dataclasses"}


def windlass(*words: str, cwd: Path | None = None, code: str = "") -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-P", *(("-c", code) if code else ("-m", "compose.cli", *words))]
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("COMPOSE_", "WINDLASS_"))}
    return subprocess.run(
        argv,
        check=False,
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**environment, "PYTHONPATH": str(CHECKOUT), "WINDLASS_RUN_ROOT": "/nowhere", "WINDLASS_DATA_ROOT": "/no"},
        stdin=subprocess.DEVNULL,
    )


def loaded(*words: str, cwd: Path) -> set[str]:
    code = (
        "import sys; from compose.cli.main import run; "
        f"status = run({list(words)!r}); print('modules', *sys.modules); sys.exit(status)"
    )
    done = windlass(code=code, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("modules ")[2].split())


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "compose.yaml").write_text("name: shop\nservices:\n  web:\n    image: bb\n")
    return tmp_path


@pytest.mark.parametrize("words", [("--version",), ("version",)])
def test_the_version_is_told(words: tuple[str, ...]) -> None:
    assert windlass(*words).stdout == "windlass version 0.1.0\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("pss",), "windlass has no verb 'pss'\n  hint: did you mean 'ps'?\n"),
        (("pause",), "windlass pause is not supported yet"),
        (("up", "--bogus"), "windlass up: No such option: --bogus"),
        (("-p",), "windlass: Option '-p' requires an argument."),
        (("--ansi", "pink", "version"), "--ansi pink: no such choice\n  hint: choose one of: auto, always, never"),
        (("-p", "Foo", "ps"), "'Foo' cannot be a stack's name"),
        (("up", "--scale", "web"), "--scale web: not of the form SERVICE=NUMBER"),
    ],
)
def test_what_is_typed_wrong_ends_with_a_message_a_hint_and_status_1(words: tuple[str, ...], message: str) -> None:
    done = windlass(*words)

    assert done.stderr.startswith(message)
    assert (done.returncode, done.stdout) == (1, "")


def test_a_file_that_is_wrong_is_shown_with_places(project: Path) -> None:
    (project / "compose.yaml").write_text("services:\n  web:\n    image: bb\n    restrat: always\n")
    done = windlass("config", cwd=project)

    assert done.stderr == "compose.yaml:4:5: services.web has no key 'restrat'\n  hint: did you mean 'restart'?\n"
    assert done.returncode == 1


def test_a_bug_says_that_it_is_one() -> None:
    code = "import sys; from compose.cli import failures; sys.exit(failures.show(KeyError('oops'), sys.stderr))"
    done = windlass(code=code)

    assert "KeyError: 'oops'" in done.stderr
    assert "this is a bug in windlass 0.1.0" in done.stderr
    assert done.returncode == 70


def test_help_lists_the_verbs() -> None:
    done = windlass("--help")

    assert done.returncode == 0
    assert "  down     Stops the stack" in done.stdout
    assert windlass().stdout == done.stdout


def test_every_verb_has_help() -> None:
    for verb in ("build", "config", "doctor", "down", "exec", "images", "logs", "plan", "ps", "up", "version"):
        done = windlass(verb, "--help")
        assert (done.returncode, done.stderr) == (0, ""), verb


def test_ps_of_nothing_is_a_bare_table_and_makes_nothing(project: Path) -> None:
    done = windlass("ps", cwd=project)

    assert done.stdout == "NAME   IMAGE   COMMAND   SERVICE   CREATED   STATUS   PORTS\n"
    assert not Path("/nowhere").exists()


def test_ps_and_logs_load_no_yaml_nor_anything_heavy(project: Path) -> None:
    for verb in ("ps", "logs", "images"):
        assert loaded(verb, cwd=project) & HEAVY == set(), verb


def test_config_loads_yaml_but_nothing_heavier(project: Path) -> None:
    assert loaded("config", cwd=project) & HEAVY == {"yaml"}


def test_config_prints_yaml_or_json_or_names(project: Path) -> None:
    assert windlass("config", "--services", cwd=project).stdout == "web\n"
    assert windlass("config", "--images", cwd=project).stdout == "bb\n"
    assert windlass("config", "-q", cwd=project).stdout == ""
    assert windlass("config", cwd=project).stdout.startswith("name: shop\nservices:\n  web:\n")
    assert windlass("config", "--format", "json", cwd=project).stdout.startswith('{\n  "name": "shop",')


def test_nobody_reading_is_no_error(project: Path) -> None:
    code = (
        "import os, sys; r, w = os.pipe(); os.close(r); os.dup2(w, 1); "
        "from compose.cli.main import run; sys.exit(run(['config']))"
    )
    done = windlass(code=code, cwd=project)

    assert (done.returncode, done.stderr) == (0, "")
