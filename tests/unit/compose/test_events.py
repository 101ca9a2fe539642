"""What `events` prints, and the moments it is asked about."""

import time

import pytest

from compose.doing.happened import event_json, event_text
from compose.errors import UsageError
from compose.showing.moments import moment
from engine.protocol import Event

SECOND = 1_000_000_000
NOW = 1_795_228_200 * SECOND


def event(action: str, **attributes: str) -> Event:
    return Event(
        time_ns=NOW + 5_000,
        action=action,
        container_id="0123",
        container_name="shop-web-1",
        service="web",
        attributes={"name": "shop-web-1", **attributes},
    )


def test_an_event_has_the_keys_of_compose() -> None:
    assert event_json(event("die", exitCode="3")) == (
        '{"action":"die","attributes":{"name":"shop-web-1","exitCode":"3"},"id":"0123","service":"web",'
        '"time":"2026-11-21T02:30:00.000005000Z","type":"container"}'
    )


@pytest.mark.parametrize(
    ("action", "word"), [("create", "create"), ("remove", "destroy"), ("health", "health_status: healthy")]
)
def test_actions_are_called_as_docker_calls_them(action: str, word: str) -> None:
    assert f'"action":"{word}"' in event_json(event(action, health="healthy"))


def test_an_event_is_a_line_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    assert event_text(event("start", image="bb:1")) == (
        "2026-11-21 02:30:00.000005 container start 0123 (image=bb:1, name=shop-web-1)"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10m", NOW - 600 * SECOND),
        ("1h30m", NOW - 5400 * SECOND),
        ("1.5s", NOW - 1_500_000_000),
        ("250ms", NOW - 250_000_000),
        ("0s", NOW),
        ("1795228200", NOW),
        ("1795228200.5", NOW + SECOND // 2),
        ("2026-11-21T02:30:00Z", NOW),
        ("2026-11-21T02:30Z", NOW),
        ("2026-11-21T03:30:00+01:00", NOW),
        ("2026-11-21T02:30:00.000000005Z", NOW + 5),
        ("2026-11-21Z", NOW - 9000 * SECOND),
    ],
)
def test_moments_are_times_or_durations(text: str, expected: int) -> None:
    assert moment("--since", text, now_ns=NOW) == expected


def test_moments_without_a_zone_are_local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Etc/GMT-2")
    time.tzset()
    try:
        assert moment("--since", "2026-11-21T04:30:00", now_ns=NOW) == NOW
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("text", ["", "yesterday", "10x", "2026-13-01", "2026-11-21T25:00:00Z", "1h 5m", "-5m"])
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="neither a time nor a duration"):
        moment("--since", text, now_ns=NOW)
