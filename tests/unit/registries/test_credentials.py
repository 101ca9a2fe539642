"""Credentials where Docker keeps them."""

import json
import stat
from pathlib import Path

import pytest

from engine import programs
from engine.errors import EngineError, ImageError
from engine.registries.access import Credentials
from engine.registries.credentials import CredentialFile, credential_file


def written(tmp_path: Path, document: object) -> CredentialFile:
    (tmp_path / "config.json").write_text(json.dumps(document))
    return CredentialFile(tmp_path / "config.json", {})


def test_entries_are_found_under_the_names_that_docker_gives_them(tmp_path: Path) -> None:
    entry = {"auth": "bWU6cDp3"}
    file = written(tmp_path, {"auths": {"https://index.docker.io/v1/": entry, "https://reg.example/v1/": entry}})
    assert file.find("docker.io") == Credentials("me", "p:w")
    assert file.find("reg.example") == Credentials("me", "p:w")
    assert file.find("reg.example:5000") is None
    assert CredentialFile(tmp_path / "none" / "config.json", {}).find("docker.io") is None


def test_identity_tokens_have_no_user(tmp_path: Path) -> None:
    file = written(tmp_path, {"auths": {"a.example": {"auth": "bWU6", "identitytoken": "t"}}})
    assert file.find("a.example") == Credentials("", "t")


def test_entries_that_cannot_be_read_are_none(tmp_path: Path) -> None:
    file = written(tmp_path, {"auths": {"a": {"auth": "%%%"}, "b": {}, "c": 3}})
    assert [file.find(name) for name in "abc"] == [None, None, None]
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ImageError, match=r"config\.json cannot be read"):
        file.find("a")


def test_saving_keeps_the_rest_and_nobody_else_reads_it(tmp_path: Path) -> None:
    file = written(tmp_path, {"proxies": {"x": 1}, "auths": {"b": {}}})
    file.save("docker.io", Credentials("me", "pw"))
    assert json.loads((tmp_path / "config.json").read_text()) == {
        "proxies": {"x": 1},
        "auths": {"b": {}, "https://index.docker.io/v1/": {"auth": "bWU6cHc="}},
    }
    assert stat.S_IMODE((tmp_path / "config.json").stat().st_mode) == 0o600
    assert file.remove("docker.io")
    assert not file.remove("docker.io")
    assert file.find("docker.io") is None


def test_helpers_are_asked_on_their_standard_streams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, bytes]] = []

    def run(argv: object, *, stdin: bytes = b"", environment: object = None) -> bytes:
        del environment
        asked.append((argv, stdin))
        if b"b.example" in stdin:
            raise EngineError("not found")
        return b'{"ServerURL": "a.example", "Username": "me", "Secret": "pw"}'

    monkeypatch.setattr(programs, "find", str)
    monkeypatch.setattr(programs, "run", run)
    file = written(tmp_path, {"credHelpers": {"a.example": "safe"}, "credsStore": "other"})
    assert file.find("a.example") == Credentials("me", "pw")
    assert asked == [(("docker-credential-safe", "get"), b"a.example")]
    assert file.find("b.example") is None
    file.save("a.example", Credentials("me", "s3cret"))
    assert b"s3cret" in asked[-1][1]
    assert "s3cret" not in (tmp_path / "config.json").read_text()


def test_a_helpers_name_leads_nowhere_else(tmp_path: Path) -> None:
    file = written(tmp_path, {"credsStore": "../../tmp/evil"})
    with pytest.raises(ImageError, match="is no credential helper's name"):
        file.find("a.example")


def test_the_environment_says_where_the_file_is() -> None:
    assert credential_file({"HOME": "/home/me"})._path == Path("/home/me/.docker/config.json")
    assert credential_file({"HOME": "/home/me", "DOCKER_CONFIG": "/d"})._path == Path("/d/config.json")


def test_secrets_stand_in_no_message() -> None:
    assert "pw" not in repr(Credentials("me", "pw"))
