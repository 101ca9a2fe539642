"""Services seen without YAML: what is certain is seen, what is not is left to the reader."""

from pathlib import Path

import pytest

from compose.reading.service_lines import service_lines, speak_of

FILE = """\
# services:
name: shop
services:

  # the front
  web:
    image: bb
    command: |
      db: no service
    labels:
      cache: neither
  worker: {image: bb}
volumes:
  data:
"""


def test_the_keys_below_services_are_seen() -> None:
    assert service_lines(FILE) == {"web", "worker"}


@pytest.mark.parametrize(
    "text", ["", "services: {web: {image: bb}}\n", "services: !reset null\n", "volumes:\n  data:\n"]
)
def test_what_is_written_in_another_way_is_not_seen(text: str) -> None:
    assert service_lines(text) == frozenset()


def test_files_speak_of_services_together(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text(FILE)
    two.write_text("services:\n    db:\n        image: bb\n")
    assert speak_of([str(one), str(two)], ["web", "db"])
    assert not speak_of([str(one)], ["web", "db"])
    assert not speak_of([str(one), str(tmp_path / "missing")], ["web"])
