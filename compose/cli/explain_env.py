"""`windlass config --explain-env SERVICE`."""

from typing import Any

from compose.cli.session import Session
from compose.cli.texts import printable
from compose.deciding.fingerprint import SECRET_WORDS
from compose.errors import UsageError
from compose.phases import Phases
from compose.printing.jsontext import json_text
from compose.reading.environment_sources import Asked, Source, environment_sources
from compose.reading.reader import read_stack, read_written
from compose.reading.sources import Sources
from compose.spelling import did_you_mean

_HIDDEN = "***"


def explained(session: Session, service: str, output: str, *, show_values: bool) -> str:
    """The variables of a service, each with the source that wins and those that lost; secrets' values are hidden."""
    request = session.read_request((service,))
    read_stack(request)  # what is wrong is told before anything is explained
    stack = read_stack(request._replace(phases=Phases(environment=False)))
    if service not in stack.services:
        hint = did_you_mean(service, stack.services) or f"the services are: {', '.join(stack.services)}"
        raise UsageError(f"the stack has no service '{service}'", hint=hint)
    shown = Sources(request.working_directory, bytes).shown
    found = environment_sources(stack, read_written(request), service, Asked(request.environment, shown))
    if output == "json":
        return json_text({name: _record(name, found[name], show_values=show_values) for name in sorted(found)})
    if not found:
        return f"{service} gets no variables but those of its image.\n"
    lines = [f"{service} gets these variables, over those of its image:"]
    for name in sorted(found):
        winner, *lost = found[name]
        lines.append(f"  {name} {_said(name, winner, show_values=show_values)}")
        lines.append(f"      from {_from(winner)}")
        lines += [f"      over {_from(each)}: {_said(name, each, show_values=show_values)}" for each in lost]
    return "\n".join(lines) + "\n"


def _said(name: str, source: Source, *, show_values: bool) -> str:
    if source.value is None:
        return "is not set"
    return f"= {_value(name, source.value, show_values=show_values)}"


def _value(name: str, value: str, *, show_values: bool) -> str:
    if not show_values and any(word in name.upper() for word in SECRET_WORDS):
        return _HIDDEN
    return repr(value) if value != printable(value) or value != value.strip() or not value else value


def _from(source: Source) -> str:
    uses = ", ".join(f"{origin.name}: {origin}" for origin in source.uses)
    return f"{source.place} {source.kind}" + (f" ({uses})" if uses else "")


def _record(name: str, sources: list[Source], *, show_values: bool) -> dict[str, Any]:
    winner, *lost = (_source(name, source, show_values=show_values) for source in sources)
    return {**winner, "lost": lost}


def _source(name: str, source: Source, *, show_values: bool) -> dict[str, Any]:
    hidden = source.value is not None and not show_values and any(word in name.upper() for word in SECRET_WORDS)
    place = source.place
    return {
        "value": _HIDDEN if hidden else source.value,
        "source": source.kind,
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "uses": {origin.name: str(origin) for origin in source.uses},
    }
