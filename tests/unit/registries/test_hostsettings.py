"""What the administrator's file about registries may say."""

from pathlib import Path

import pytest

from engine.errors import ImageError
from engine.registries.hostsettings import read_settings


def settings(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "registries.json"
    file.write_text(text)
    return file


def test_without_a_file_only_the_variable_counts(tmp_path: Path) -> None:
    found = read_settings({"WINDLASS_INSECURE_REGISTRIES": "a:5000, b"}, tmp_path / "none.json")
    assert found.insecure == ("a:5000", "b")
    assert found.mirrors == {}


def test_everything_that_it_may_say(tmp_path: Path) -> None:
    text = """{
      "insecure": ["cache.lan:5000"],
      "tokenHosts": {"registry.example": ["login.example"]},
      "mirrors": {"docker.io": ["cache.lan:5000", "https://mirror.example/hub/", "[2001:db8::1]:443"]}
    }"""
    found = read_settings({}, settings(tmp_path, text))
    assert found.insecure == ("cache.lan:5000",)
    assert found.token_hosts == {"registry.example": ("login.example",)}
    assert found.mirrors == {"docker.io": ("cache.lan:5000", "mirror.example/hub", "[2001:db8::1]:443")}


@pytest.mark.parametrize("mirror", ["http://cache.lan", "", "a b", "host/p?q", "user@host"])
def test_what_is_no_mirrors_address_is_refused(tmp_path: Path, mirror: str) -> None:
    file = settings(tmp_path, f'{{"mirrors": {{"docker.io": ["{mirror}"]}}}}')
    with pytest.raises(ImageError, match="is no mirror's address") as refused:
        read_settings({}, file)
    assert "plain HTTP stands in `insecure`, too" in refused.value.hint


def test_a_misspelt_key_is_told(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="unknown field `insecur`"):
        read_settings({}, settings(tmp_path, '{"insecur": []}'))
