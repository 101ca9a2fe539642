"""What the options of `run` say becomes one more Compose file, laid over the others."""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class RunOptions(NamedTuple):
    """What to change in a service for one container. None and empty leave the service's own."""

    command: tuple[str, ...] = ()
    entrypoint: str | None = None
    environment: Mapping[str, str] = {}
    labels: tuple[str, ...] = ()
    user: str = ""
    directory: str = ""
    volumes: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    service_ports: bool = False
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    terminal: bool = False
    interactive: bool = True


def overlay(service: str, options: RunOptions) -> bytes:
    """The file's content. Whatever the options say is taken literally."""
    settings: dict[str, str] = {
        "tty": _literal(options.terminal),
        "stdin_open": _literal(options.interactive),
    }
    if options.entrypoint is not None:
        settings["entrypoint"] = _literal(options.entrypoint)
        settings["command"] = f"!override {_literal(options.command)}"
    elif options.command:
        settings["command"] = f"!override {_literal(options.command)}"
    if options.ports:
        settings["ports"] = f"{'' if options.service_ports else '!override '}{_literal(options.ports)}"
    for key, value in (
        ("environment", options.environment),
        ("labels", options.labels),
        ("user", options.user),
        ("working_dir", options.directory),
        ("volumes", options.volumes),
        ("cap_add", options.cap_add),
        ("cap_drop", options.cap_drop),
    ):
        if value:
            settings[key] = _literal(value)
    body = ", ".join(f"{_literal(key)}: {value}" for key, value in settings.items())
    return f"services: {{{_literal(service)}: {{{body}}}}}\n".encode()


def _literal(value: str | bool | Sequence[str] | Mapping[str, str]) -> str:
    """A value in YAML, none of which stands for a variable."""
    return json.dumps(value).replace("$", "$$")
