"""Checks what a service says about building and watching: Compose's own `config` refuses it, too."""

from collections.abc import Iterator, Mapping

from compose import codes
from compose.errors import Problem
from compose.nodes import Node


def check_builds(name: str, service: Node, services: Mapping[str, Node]) -> Iterator[Problem]:
    """Everything about one service's build and watches that cannot work; `services` are all that are enabled."""
    build = service.fields.get("build")
    if build is not None:
        yield from _build(f"services.{name}.build", build, services)
    develop = service.fields.get("develop")
    watch = develop.fields.get("watch") if develop is not None else None
    for index, trigger in enumerate(watch.entries if watch is not None else ()):
        action = trigger.fields["action"].value if "action" in trigger.fields else "rebuild"
        target = trigger.fields.get("target")
        if action in _COPYING and (target is None or not target.value):
            message = f"services.{name}.develop.watch[{index}] copies files, and does not say where to"
            yield Problem(trigger.place, message, "add `target: /path` inside the container", codes.MISSING_KEY)


_COPYING = frozenset(("sync", "sync+restart", "sync+exec"))


def _build(path: str, build: Node, services: Mapping[str, Node]) -> Iterator[Problem]:
    fields = build.fields
    if "dockerfile" in fields and "dockerfile_inline" in fields:
        message = f"{path} has both 'dockerfile' and 'dockerfile_inline'"
        yield Problem(fields["dockerfile_inline"].place, message, "keep one of the two", codes.CONTRADICTION)
    contexts = fields["additional_contexts"].fields if "additional_contexts" in fields else {}
    for key, context in contexts.items():
        wanted = str(context.value)
        other = wanted.removeprefix("service:")
        if other != wanted and other not in services:
            message = f"{path}.additional_contexts.{key} is of '{other}', which is no service of this stack"
            hint = f"the services are {', '.join(services)}"
            yield Problem(context.place, message, hint, codes.UNKNOWN_SERVICE)
        elif other != wanted and "build" not in services[other].fields:
            message = f"{path}.additional_contexts.{key} is of '{other}', which is not built"
            yield Problem(context.place, message, f"give {other} a `build:`", codes.CONTRADICTION)
