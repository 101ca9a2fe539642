"""Where the variables of a service come from."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from compose.cli.main import main

Explain = Callable[..., str]
FILE = """\
services:
  web:
    image: x
    env_file:
      - common.env
      - {path: web.env, format: raw}
      - {path: gone.env, required: false}
    environment:
      DEBUG: "1"
      PASSED:
      UNSET:
      GREETING: "hello ${WHO:-you} of ${TAG}"
      DB_PASSWORD: ${SHELL_WORD}
"""


@pytest.fixture
def explain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Explain:
    """Runs `windlass config --explain-env` in a directory with env files; what it printed."""
    (tmp_path / "compose.yaml").write_text(FILE)
    (tmp_path / ".env").write_text("TAG=7\nPASSED=dotenv\n")
    (tmp_path / "common.env").write_text("# for all\nDEBUG=0\nMODE=${TAG}\n")
    (tmp_path / "web.env").write_text("MODE='raw'\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHELL_WORD", "open sesame")

    def explain(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["windlass", "config", "--explain-env", *words])
        status = main()
        printed = capsys.readouterr()
        return printed.out if status == 0 else printed.err

    return explain


def test_each_variable_is_told_with_its_sources(explain: Explain) -> None:
    assert explain("web") == (
        "web gets these variables, over those of its image:\n"
        "  DB_PASSWORD = ***\n"
        "      from compose.yaml:13:20 environment (SHELL_WORD: the shell)\n"
        "  DEBUG = 1\n"
        "      from compose.yaml:9:14 environment\n"
        "      over common.env:2:1 env_file: = 0\n"
        "  GREETING = hello you of 7\n"
        "      from compose.yaml:12:17 environment (WHO: not set, TAG: .env:1:1)\n"
        "  MODE = 'raw'\n"
        "      from web.env:1:1 env_file\n"
        "      over common.env:3:1 env_file: = 7\n"
        "  PASSED = dotenv\n"
        "      from compose.yaml:10:14 environment (PASSED: .env:2:1)\n"
        "  UNSET is not set\n"
        "      from compose.yaml:11:13 environment (UNSET: not set)\n"
    )


def test_secrets_are_shown_when_asked_for(explain: Explain) -> None:
    assert "DB_PASSWORD = open sesame" in explain("web", "--show-values")


def test_programs_get_the_same_as_json(explain: Explain) -> None:
    assert json.loads(explain("web", "--format", "json"))["DEBUG"] == {
        "value": "1",
        "source": "environment",
        "file": "compose.yaml",
        "line": 9,
        "column": 14,
        "uses": {},
        "lost": [
            {"value": "0", "source": "env_file", "file": "common.env", "line": 2, "column": 1, "uses": {}},
        ],
    }


def test_an_unknown_service_is_refused(explain: Explain) -> None:
    assert explain("wep").startswith("the stack has no service 'wep'\n  hint: did you mean 'web'?")
