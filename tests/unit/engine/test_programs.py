import pytest

from engine import programs
from engine.errors import EngineError


def test_output_is_returned_and_input_given() -> None:
    assert programs.run(["cat"], stdin=b"hello") == b"hello"


def test_only_the_fixed_environment_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/evil")
    monkeypatch.setenv("PATH", "/evil")
    assert set(programs.run(["env"]).decode().split()) == {
        f"PATH={programs.PATH}",
        "HOME=/root",
        "LANG=C.UTF-8",
        "LC_ALL=C.UTF-8",
    }


def test_a_failure_quotes_the_programs_last_words() -> None:
    with pytest.raises(EngineError, match=r"^sh ended with status 3: no good$"):
        programs.run(["sh", "-c", "echo no good >&2; exit 3"])
    with pytest.raises(EngineError, match=r"^sh was ended by signal 9$"):
        programs.run(["sh", "-c", "kill -9 $$"])


def test_its_words_can_be_followed() -> None:
    seen: list[str] = []
    programs.run(["sh", "-c", "echo one >&2; printf 'two\\r\\n' >&2"], on_line=seen.append)
    assert seen == ["one", "two"]


def test_a_missing_program_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs.shutil, "which", lambda *_args, **_options: None)
    with pytest.raises(EngineError, match="the program tini-static is missing on this host") as caught:
        programs.find("tini-static")
    assert caught.value.hint == "install the package tini"
