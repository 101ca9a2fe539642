"""The JSON Schema of Compose files, made from the very tables that files are read by.

What a schema cannot say (the short forms inside of texts, what belongs together across a file) only the reader knows;
all else they say alike. A value with a variable in it (`$`) may become anything, so it always passes.
"""

from collections.abc import Callable
from typing import Any

from compose.grammar.key_words import WORDS_OF
from compose.grammar.keys import DOCUMENT, External, VolumeOptions
from compose.grammar.service_parts import DEVICE_REQUESTS, BuildContext, Gpus, HealthTest
from compose.grammar.shapes import (
    Anything,
    Boolean,
    Choice,
    Duration,
    HostPath,
    Integer,
    Number,
    Shape,
    Size,
    Text,
)
from compose.grammar.special_shapes import Contexts, Count, ExtraHosts, Mode, SshKeys, TextOf
from compose.grammar.structures import (
    Assignments,
    Command,
    Fields,
    Later,
    ListOf,
    MapOf,
    Maybe,
    Named,
    OneOf,
    Spread,
)
from compose.grammar.vocabulary import SOFT_AND_HARD, Limit, Matches

Schema = dict[str, Any]

NAME = "compose.schema.json"
_TEXT: Schema = {"type": "string"}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_VARIABLE: Schema = {"type": "string", "pattern": r"\$"}
_WHOLE = r"^[-+]?[0-9]+$"
_SIZE = r"^\+?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)? ?([kKmMgGtTpP]([iI]?[bB])?|[bB])?$"
_DURATION = r"^[-+]?(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h|d|w))+$"
_OLD_WORDS = "^([tT][rR][uU][eE]|[fF][aA][lL][sS][eE]|[yY][eE][sS]|[nN][oO]|[oO][nN]|[oO][fF][fF])$"


def schema() -> Schema:
    """The schema of a whole file (JSON Schema, draft 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A Compose file",
        "description": "Services, and the networks, volumes, configs and secrets that they use.",
        **_of(DOCUMENT, ""),
    }


def _of(shape: Shape, key: str) -> Schema:
    """The schema of a shape that is the value of `key`."""
    made: Schema = _MAKERS[type(shape)](shape, key)
    return made


def _fields(shape: Fields, key: str) -> Schema:
    properties = {name: _described(_of(inner, name), key, name) for name, inner in shape.table.items()}
    made: Schema = {
        "type": "object",
        "properties": properties,
        "patternProperties": {"^x-": {}},
        "additionalProperties": False,
    }
    return {**made, "required": list(shape.required)} if shape.required else made


def _described(made: Schema, owner: str, key: str) -> Schema:
    text = WORDS_OF.get(owner, {}).get(key)
    return {"description": text, **made} if text else made


def _text(shape: Text, _key: str) -> Schema:
    made: Schema = {"type": ["string", "number"] if shape.numbers else "string"}
    if isinstance(shape.check, Matches):
        return _any({**made, "pattern": f"^({shape.check.pattern})$"}, _VARIABLE)
    return made


def _integer(shape: Integer, _key: str) -> Schema:
    number: Schema = {"type": "number" if shape.truncate else "integer"}
    if shape.low is not None:
        number["minimum"] = shape.low
    if shape.high is not None:
        number["maximum"] = shape.high
    return _any(number, {"type": "string", "pattern": _WHOLE}, _VARIABLE)


def _size(shape: Size, _key: str) -> Schema:
    choices: list[Schema] = [{"type": "string", "pattern": _SIZE}, _VARIABLE]
    if shape.numbers:
        choices.append({"type": "integer", "minimum": -1 if shape.negative else 0})
    if shape.negative:
        choices.append({"const": "-1"})
    return _any(*choices)


def _list(shape: ListOf, key: str) -> Schema:
    many: Schema = {"type": "array", "items": _of(shape.entry, key)}
    return _any(_TEXT, many) if shape.single else many


def _spread(shape: Spread, key: str) -> Schema:
    short: Schema = {"type": ["string", "integer"] if key == "ports" else "string"}
    return {"type": "array", "items": _any(short, _of(shape.long, key))}


def _named(shape: Named, key: str) -> Schema:
    return _any(_TEXTS, _of(shape.map, key))


def _map(shape: MapOf, key: str) -> Schema:
    made: Schema = {"type": "object", "additionalProperties": _of(shape.entry, f"{key}.*")}
    if isinstance(shape.check, Matches):
        made["propertyNames"] = {"pattern": f"^({shape.check.pattern})$"}
    return made


def _assignments(shape: object, _key: str) -> Schema:
    values: Schema = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean", "null"]}}
    return _any(values, _TEXTS) if getattr(shape, "listed", True) else values


def _contexts(_shape: object, _key: str) -> Schema:
    values: Schema = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
    return _any(values, {"type": "array", "items": {"type": "string", "pattern": r"=|\$"}})


def _any(*choices: Schema) -> Schema:
    return {"anyOf": list(choices)}


def _always(made: Schema) -> Callable[[Any, str], Schema]:
    return lambda _shape, _key: made


_ONE_COMMAND = {"type": ["string", "null", "array"], "items": _TEXT}
_OPTIONS = {"type": "object", "additionalProperties": {"type": ["string", "number"]}}
_HOSTS = {"type": "object", "additionalProperties": _any(_TEXT, _TEXTS)}
_MAKERS: dict[type, Callable[[Any, str], Schema]] = {
    Anything: _always({}),
    Assignments: _assignments,
    Boolean: _always(_any({"type": "boolean"}, {"type": "string", "pattern": _OLD_WORDS}, _VARIABLE)),
    BuildContext: _always(_TEXT),
    Choice: lambda shape, _key: _any({"enum": list(shape.words)}, _VARIABLE),
    Command: _always(_ONE_COMMAND),
    Contexts: _contexts,
    Count: lambda _shape, key: _any({"const": "all"}, _integer(Integer(-1), key)),
    Duration: _always(_any({"type": "string", "pattern": _DURATION}, _VARIABLE)),
    External: lambda _shape, key: _any(_of(Boolean(), key), _of(Fields({"name": Text()}), "external")),
    ExtraHosts: _always(_any(_HOSTS, {"type": "array", "items": {"type": "string", "pattern": r".[=:].|\$"}})),
    Fields: _fields,
    Gpus: lambda _shape, key: _any({"const": "all"}, _of(DEVICE_REQUESTS, key)),
    HealthTest: _always(
        _any(_TEXT, {**_TEXTS, "prefixItems": [_any({"enum": ["NONE", "CMD", "CMD-SHELL"]}, _VARIABLE)]})
    ),
    HostPath: _always(_TEXT),
    Integer: _integer,
    Later: lambda shape, key: _of(shape.shape, key),
    Limit: lambda _shape, key: _any(_integer(Integer(), key), _of(SOFT_AND_HARD, "ulimits.*")),
    ListOf: _list,
    MapOf: _map,
    Maybe: lambda shape, key: _any({"type": "null"}, _of(shape.shape, key)),
    Mode: _always(
        _any({"type": "integer", "minimum": 0, "maximum": 0o7777}, {"type": "string", "pattern": r"^[0-7]+$|\$"})
    ),
    Named: _named,
    Number: _always(
        _any(
            {"type": "number"},
            {"type": "string", "pattern": r"^ *[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)? *$|\$"},
        )
    ),
    OneOf: lambda shape, key: _any(_TEXT, _of(shape.long, key)),
    Size: _size,
    Spread: _spread,
    SshKeys: _assignments,
    Text: _text,
    TextOf: _always({"type": ["string", "boolean", "number"]}),
    VolumeOptions: _always(_OPTIONS),
}
