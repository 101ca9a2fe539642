"""What happened to a stack's containers, in the words of Docker's events."""

import time
from collections.abc import Mapping

from compose.times import timestamp
from engine.protocol import Event

WORDS: Mapping[str, str] = {"remove": "destroy"}


def event_values(event: Event) -> dict[str, object]:
    """An event with the keys that Compose gives it."""
    return {
        "action": event_word(event),
        "attributes": event.attributes,
        "id": event.container_id,
        "service": event.service,
        "time": timestamp(event.time_ns),
        "type": "container",
    }


def event_json(event: Event) -> str:
    """The same as a line of JSON, without its end."""
    import msgspec  # noqa: PLC0415 - plain progress needs none

    return msgspec.json.encode(event_values(event)).decode()


def event_text(event: Event) -> str:
    """An event as a line for people, in local time, without its end."""
    seconds, rest = divmod(event.time_ns, 1_000_000_000)
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
    attributes = ", ".join(f"{key}={value}" for key, value in sorted(event.attributes.items()))
    return f"{stamp}.{rest // 1000:06} container {event_word(event)} {event.container_id} ({attributes})"


def event_word(event: Event) -> str:
    """What happened, as Docker calls it."""
    if event.action == "health":
        return f"health_status: {event.attributes.get('health', '')}"
    return WORDS.get(event.action, event.action)
