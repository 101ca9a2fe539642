"""Puts what happened to a container into words for others."""

from engine.protocol import Action, Event
from engine.supervisor.containers import Container

_COMPOSE = "com.docker.compose."


def event(container: Container, action: Action, time_ns: int) -> Event:
    """What happened, with the container as it is now; its attributes are those that Docker tells."""
    spec, state = container.spec, container.state
    attributes = {
        **{key: value for key, value in spec.labels.items() if not key.startswith(_COMPOSE)},
        "image": spec.image_name,
        "name": spec.name,
    }
    if action == "die":
        attributes["exitCode"] = "" if state.exit_code is None else str(state.exit_code)
    elif action == "health":
        attributes["health"] = state.health
    elif action == "trouble":
        attributes["troubles"] = "; ".join(state.troubles)
    elif action == "drop":
        attributes["bytes"] = str(state.dropped_bytes)
    return Event(
        time_ns=time_ns,
        action=action,
        container_id=spec.id,
        container_name=spec.name,
        service=spec.service,
        record=None if container.gone else container.record,
        attributes=attributes,
        one_off=spec.labels.get(f"{_COMPOSE}oneoff") == "True",
    )
