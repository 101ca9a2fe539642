from engine.images.model import HistoryEntry, Image, ImageConfig, LayerFacts
from engine.versions.history import Version, versions

FACTS = {"one": LayerFacts(size_bytes=10), "two": LayerFacts(size_bytes=20)}


def image(*history: HistoryEntry, layers: tuple[str, ...] = ("one", "two")) -> Image:
    return Image(id="it", created_ns=9, architecture="amd64", config=ImageConfig(), layers=layers, history=history)


def test_steps_come_last_first_with_the_layers_that_they_added() -> None:
    made = image(
        HistoryEntry(created_by="COPY a /", created_ns=1),
        HistoryEntry(created_by="USER x", created_ns=1, empty=True),
        HistoryEntry(created_by="sh", created_ns=2, author="me", comment="mended"),
    )

    assert versions(made, FACTS.get) == (
        Version("it", "two", 20, 2, "sh", "me", "mended"),
        Version("", "", 0, 1, "USER x", "", ""),
        Version("", "one", 10, 1, "COPY a /", "", ""),
    )


def test_layers_that_nobody_speaks_of_are_those_of_the_base() -> None:
    assert versions(image(HistoryEntry(created_by="COPY a /", created_ns=1)), FACTS.get) == (
        Version("it", "two", 20, 1, "COPY a /", "", ""),
        Version("", "one", 10, 0, "", "", ""),
    )
    assert versions(image(layers=()), FACTS.get) == (Version("it", "", 0, 9, "", "", ""),)


def test_a_history_that_speaks_of_more_layers_than_there_are_is_read_all_the_same() -> None:
    steps = versions(image(*(HistoryEntry(created_by=str(number)) for number in range(3))), FACTS.get)
    assert [step.layer for step in steps] == ["two", "one", ""]
