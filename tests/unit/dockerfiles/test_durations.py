import pytest

from engine.dockerfiles.durations import parse_duration
from engine.dockerfiles.problems import Mistake


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1m30s", 90.0), ("500ms", 0.5), ("1.5h", 5400.0), ("0", 0), ("0s", 0.0), (".5s", 0.5), ("100\u00b5s", 1e-4)],
)
def test_durations_are_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "s", "1d", "-1s", "1 s", "1s!", "999999999h"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(Mistake, match="is no duration"):
        parse_duration(text)
