from collections.abc import Callable

import pytest

from compose.errors import UsageError
from compose.model import Stack
from compose.reading.selection import selected

Read = Callable[..., Stack]
TEXT = """
services:
  web: {image: x, depends_on: [db], networks: [front]}
  db: {image: x, volumes: [data:/data]}
  mail: {image: x, networks: [back]}
networks: {front: , back: }
volumes: {data: }
"""


def test_a_service_brings_what_it_depends_on_and_their_resources(read: Read) -> None:
    part = selected(read(TEXT), ("web",))

    assert list(part.services) == ["web", "db"]
    assert list(part.networks) == ["default", "front"]
    assert list(part.volumes) == ["data"]


def test_no_names_mean_all(read: Read) -> None:
    assert list(selected(read(TEXT), ()).services) == ["web", "db", "mail"]


def test_an_unknown_name_is_refused_with_what_may_have_been_meant(read: Read) -> None:
    with pytest.raises(UsageError, match="the stack has no service 'wep'") as caught:
        selected(read(TEXT), ("wep",))
    assert caught.value.hint == "did you mean 'web'?"
