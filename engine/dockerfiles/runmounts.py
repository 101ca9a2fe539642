"""What `RUN --mount=` asks for."""

import csv
from collections.abc import Callable
from typing import Final, Literal, NamedTuple, cast, get_args

from engine.dockerfiles.problems import Mistake

Kind = Literal["bind", "cache", "tmpfs", "secret", "ssh"]
Sharing = Literal["shared", "private", "locked"]

_KINDS: Final = get_args(Kind)
_TARGETS: Final = frozenset({"target", "dst", "destination"})
_SWITCHES: Final = frozenset({"ro", "readonly", "rw", "readwrite", "required"})
_OWNER: Final = frozenset({"uid", "gid", "mode"})
_KEYS: Final = {
    "bind": _TARGETS | {"source", "src", "from", "ro", "readonly", "rw", "readwrite"},
    "cache": _TARGETS | _OWNER | {"id", "sharing", "source", "src", "from", "ro", "readonly", "rw", "readwrite"},
    "tmpfs": _TARGETS | {"size"},
    "secret": _TARGETS | _OWNER | {"id", "required", "env", "source", "src"},
    "ssh": _TARGETS | _OWNER | {"id", "required"},
}
_UNITS: Final = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_DEFAULT_MODES: Final = {"cache": 0o755, "secret": 0o400, "ssh": 0o600}


class RunMount(NamedTuple):
    """One mount of a command.

    `target` may be relative to the working directory; a secret without one is only in the variable `env`. `origin` is
    what `from` names. `size_bytes` 0 is no limit.
    """

    kind: Kind
    target: str
    id: str = ""
    source: str = ""
    origin: str = ""
    writable: bool = False
    sharing: Sharing = "shared"
    required: bool = False
    env: str = ""
    size_bytes: int = 0
    mode: int = 0
    uid: int = 0
    gid: int = 0


def check_mount(text: str) -> None:
    """Refuses what is wrong however its variables turn out."""
    fields = _fields(text)
    if "$" in fields.get("from", ""):
        raise Mistake(f"RUN --mount: variables in from={fields['from']} are not replaced", hint="name a stage for it")
    if "$" not in text:
        read_mount(text, str)


def mount_origin(text: str) -> str:
    """What the mount's `from` names, empty when nothing."""
    return _fields(text).get("from", "")


def read_mount(text: str, expand: Callable[[str], str]) -> RunMount:
    """Reads a mount, its variables replaced by `expand`; Mistake when it makes no sense."""
    fields = {key: value if key == "from" else expand(value) for key, value in _fields(text).items()}
    kind = cast("Kind", fields.get("type", "bind"))
    target = next((fields[key] for key in ("target", "dst", "destination") if fields.get(key)), "")
    source = fields.get("source") or fields.get("src", "")
    identity = fields.get("id", "")
    if kind == "secret":
        identity = identity or source or target.rpartition("/")[2]
        if not identity:
            raise Mistake("RUN --mount=type=secret needs an id")
        target = target or ("" if fields.get("env") else f"/run/secrets/{identity}")
    elif kind == "ssh":
        identity = identity or "default"
    elif not target:
        raise Mistake(f"RUN --mount=type={kind} needs a target", hint="target=/path inside the container")
    read_only = _switched(fields, "ro") or _switched(fields, "readonly")
    writable = _switched(fields, "rw") or _switched(fields, "readwrite") or kind in {"cache", "tmpfs"}
    sharing = fields.get("sharing", "shared")
    if sharing not in get_args(Sharing):
        raise Mistake(f"RUN --mount: sharing is shared, private or locked, not {sharing!r}")
    return RunMount(
        kind=kind,
        target=target,
        id=identity or target if kind == "cache" else identity,
        source=source,
        origin=fields.get("from", ""),
        writable=writable and not read_only,
        sharing=cast("Sharing", sharing),
        required=_switched(fields, "required"),
        env=fields.get("env", ""),
        size_bytes=_size(fields.get("size", "0")),
        mode=_number(fields, "mode", 8, _DEFAULT_MODES.get(kind, 0)),
        uid=_number(fields, "uid", 10),
        gid=_number(fields, "gid", 10),
    )


def _fields(text: str) -> dict[str, str]:
    try:
        parts = next(csv.reader([text], strict=True), [])
    except csv.Error as error:
        raise Mistake(f"RUN --mount={text}: {error}") from None
    fields = {}
    for part in parts:
        key, equals, value = part.strip().partition("=")
        key = key.lower()
        if not equals and key not in _SWITCHES:
            raise Mistake(f"RUN --mount: {part!r} is no key with a value", hint="write key=value,key=value")
        fields[key] = value if equals else "true"
    kind = fields.get("type", "bind")
    if kind not in _KINDS:
        raise Mistake(f"RUN --mount: there is no type {kind!r}", hint=f"the types are {', '.join(_KINDS)}")
    for key in fields:
        if key != "type" and key not in _KEYS[kind]:
            known = ", ".join(sorted(_KEYS[kind]))
            raise Mistake(f"RUN --mount=type={kind} has no key {key!r}", hint=f"its keys are {known}")
    return fields


def _switched(fields: dict[str, str], key: str) -> bool:
    value = fields.get(key, "false").lower()
    if value not in {"true", "false", "1", "0"}:
        raise Mistake(f"RUN --mount: {key} is true or false, not {value!r}")
    return value in {"true", "1"}


def _number(fields: dict[str, str], key: str, base: int, default: int = 0) -> int:
    text = fields.get(key, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit()) or (base == 8 and set(text) & set("89")) or len(text) > 10:
        raise Mistake(f"RUN --mount: {key} is a number, not {text!r}")
    return int(text, base)


def _size(text: str) -> int:
    digits = text.lower().removesuffix("b").removesuffix("i")
    unit = digits[-1:] if digits[-1:].isalpha() else ""
    number = digits.removesuffix(unit)
    if unit not in _UNITS or not (number.isascii() and number.isdigit()):
        raise Mistake(f"RUN --mount: size={text} is no size", hint="write a number with k, m or g")
    return int(number) * _UNITS[unit]
