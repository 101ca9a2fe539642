import pytest

from compose.cli.imagefilters import parse_filters
from compose.errors import UsageError
from engine.images.model import Image, ImageConfig

KNOWN = ("dangling", "reference", "label", "before", "since", "until")
SECOND = 1_000_000_000
OTHER = Image(id="other", created_ns=50 * SECOND, architecture="amd64", config=ImageConfig(), layers=())


def takes(*texts: str, name: str = "web:1", created: int = 10, labels: dict[str, str] | None = None) -> bool:
    image = Image(
        id="x", created_ns=created * SECOND, architecture="amd64", config=ImageConfig(labels=labels or {}), layers=()
    )
    found = parse_filters(texts, KNOWN, now_ns=100 * SECOND, find=lambda _word: OTHER)
    return found(name, image)


def test_filters_of_each_kind() -> None:
    assert takes()
    assert takes("dangling=false")
    assert not takes("dangling=true")
    assert takes("dangling=true", name="")
    assert takes("reference=web")
    assert takes("reference=w*:1")
    assert takes("reference=docker.io/library/web:1")
    assert not takes("reference=shop")
    assert takes("until=60s")
    assert not takes("until=95s")
    assert takes("before=other")
    assert not takes("since=other")
    assert takes("label=a", labels={"a": "b"})
    assert takes("label=a=b", labels={"a": "b"})
    assert not takes("label=a=c", labels={"a": "b"})
    assert takes("label!=a")
    assert not takes("label!=a=b", labels={"a": "b"})


def test_one_of_several_is_enough_but_for_labels_of_which_all_are_needed() -> None:
    assert takes("reference=shop", "reference=web")
    assert not takes("reference=web", "until=95s")
    assert not takes("label=a", "label=b", labels={"a": ""})


@pytest.mark.parametrize("text", ["colour=red", "dangling", "dangling=maybe", "until=soon"])
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        takes(text)
