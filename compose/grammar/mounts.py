"""Reads the short forms of mounts: [source:]target[:options] of volumes, target[:options] of tmpfs."""

from typing import NamedTuple

from compose import codes
from compose.grammar.quantities import size_bytes
from compose.grammar.shapes import Reading, Refusal, absolute
from compose.nodes import Node

_HINT = "write source:/target, source:/target:ro or /target"
PROPAGATIONS = frozenset(("shared", "rshared", "slave", "rslave", "private", "rprivate"))
_OPTIONS = PROPAGATIONS | {"ro", "rw", "z", "Z", "nocopy", "cached", "delegated", "consistent"}
_IDLE_TMPFS_OPTIONS = frozenset(
    ("nosuid", "nodev", "noatime", "nodiratime", "relatime", "strictatime", "private", "rprivate")
)  # what holds anyway, or makes no difference in memory
_RELAXED = frozenset(("cached", "delegated"))
_ALWAYS_CONSISTENT = "which changes nothing: on Linux container and host see the same files at once"


class TmpfsOptions(NamedTuple):
    """What the options behind a tmpfs target say; size 0 means the kernel's default."""

    size_bytes: int = 0
    mode: int = 0o1777
    read_only: bool = False
    executable: bool = False
    uid: int = 0
    gid: int = 0
    inodes: int = 0


def long_mounts(node: Node, path: str, reading: Reading) -> tuple[Node, ...]:
    """The long form of one entry of `volumes`, as a tuple of one."""
    if not isinstance(node.value, str):
        raise Refusal(node.place, f"{path} must be text or a mapping", _HINT, codes.WRONG_KIND)
    try:
        return (_mount(node.value, node, reading),)
    except ValueError as error:
        raise Refusal(node.place, f"{path} {error}", _HINT, codes.WRONG_MOUNT) from None


def _parts(text: str, node: Node, reading: Reading) -> list[str]:
    """Source, target, options. A single letter before a colon is a drive of Windows for Compose, but a volume here.

    Only if no volume has that name it is taken as Compose does.
    """
    pieces = text.split(":")
    parts: list[str] = []
    while pieces:
        piece = pieces.pop(0)
        drive = len(piece) == 1 and piece.isalpha() and bool(pieces)
        if drive and piece in reading.letters and not parts:
            reading.warn(node.place, f"'{text}' mounts the volume '{piece}'; Compose takes it for a path of Windows")
            drive = False
        parts.append(f"{piece}:{pieces.pop(0)}" if drive else piece)
    return parts


def _mount(text: str, node: Node, reading: Reading) -> Node:
    parts = _parts(text, node, reading)
    if len(parts) > 3:
        raise ValueError(f"has more than three parts between colons: '{text}'")
    if not all(parts):
        raise ValueError(f"has nothing before, behind or between its colons: '{text}'")

    def fields(**values: object) -> dict[str, Node]:
        return {key: Node(value, node.place) for key, value in values.items() if value}  # type: ignore[arg-type]  # scalars

    if len(parts) == 1:
        short = len(text) <= 2  # Compose gives these no options, not even empty ones
        details = {} if short else {"volume": Node({}, node.place)}
        return Node({**fields(type="volume", target=clean(text)), **details}, node.place)
    source, target, options = parts[0], parts[1], parts[2].split(",") if len(parts) == 3 else []
    unknown = [option for option in options if option not in _OPTIONS]
    if unknown:
        reading.warn(node.place, f"the mount '{text}' has the unknown option '{unknown[0]}', which changes nothing")
    read_only = [option for option in options if option in ("ro", "rw")][-1:] == ["ro"]
    bind = source.startswith(("/", ".", "~", "\\\\")) or source[1:2] == ":"
    _warn_of_idle_options(options, node, reading, bind=bind)
    if bind:
        details = fields(
            selinux=next((option for option in options if option in ("z", "Z")), ""),
            propagation=next((option for option in options if option in PROPAGATIONS), ""),
            create_host_path=True,
        )
        mount = fields(type="bind", source=absolute(source, reading), target=clean(target), read_only=read_only)
        return Node({**mount, "bind": Node(details, node.place)}, node.place)
    mount = fields(type="volume", source=source, target=clean(target), read_only=read_only)
    nocopy = "nocopy" in options
    details = {"volume": Node(fields(nocopy=nocopy), node.place)}
    selinux = fields(selinux=next((option for option in options if option in ("z", "Z")), ""))
    if selinux:
        details["bind"] = Node(selinux, node.place)
    return Node({**mount, **details}, node.place)


def _warn_of_idle_options(options: list[str], node: Node, reading: Reading, *, bind: bool) -> None:
    """Warns of options that belong to the other type of mount; z and Z are common on both."""
    others, kind = ({"nocopy"}, "bind mount") if bind else (PROPAGATIONS, "volume")
    for option in options:
        if option in others:
            message = f"the mount '{node.value}' has the option '{option}', which does nothing on a {kind}"
            reading.warn(node.place, message)
        elif option in _RELAXED:
            reading.warn(node.place, f"the mount '{node.value}' has the option '{option}', {_ALWAYS_CONSISTENT}")


def clean(target: str) -> str:
    """A mount's target without doubled or trailing slashes and without dots."""
    parts: list[str] = []
    for part in target.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return ("/" if target.startswith("/") else "") + "/".join(parts)


def finish_mount(node: Node, path: str, reading: Reading) -> Node:
    """Checks the long form of a mount and makes its source absolute."""
    fields = dict(node.fields)
    kind, source, target = fields["type"].value, fields.get("source"), fields.get("target")
    if target is None or not target.value:
        raise Refusal(
            node.place, f"{path} has no target", "add `target: /path` inside the container", codes.WRONG_MOUNT
        )
    fields["target"] = target.with_value(clean(str(target.value)))
    if kind == "bind":
        if source is None or not source.value:
            hint = "add `source: ./path` on the host"
            raise Refusal(node.place, f"{path} is a bind mount without source", hint, codes.WRONG_MOUNT)
        fields["source"] = source.with_value(absolute(str(source.value), reading))
    types = ("bind", "volume", "tmpfs", "image")
    idle: list[str] = [key for key in types if key != kind and key in fields and fields[key].fields]
    if kind == "tmpfs" and "source" in fields:
        idle.append("source")
    for key in idle:
        reading.warn(fields[key].place, f"{path}.{key} does nothing on a mount of type {kind}")
    consistency = fields.get("consistency")
    if consistency is not None and consistency.value not in ("", "consistent", "default"):
        message = f"{path}.consistency is '{consistency.value}', {_ALWAYS_CONSISTENT}"
        reading.warn(consistency.place, message)
    return node.with_value(fields)


def tmpfs_target(text: str) -> tuple[str, TmpfsOptions]:
    """Target and options of one entry of `tmpfs`; raises ValueError."""
    target, _, options_text = text.partition(":")
    if not target.startswith("/"):
        raise ValueError(f"has the target '{target}', which is no absolute path")
    options = TmpfsOptions()
    for option in filter(None, options_text.split(",")):
        options = _with_option(options, option)
    return clean(target), options


def _with_option(options: TmpfsOptions, option: str) -> TmpfsOptions:
    name, _, value = option.partition("=")
    match name:
        case "size":
            return options._replace(size_bytes=size_bytes(value))
        case "mode":
            try:
                return options._replace(mode=int(value, 8))
            except ValueError:
                raise ValueError(f"has the mode '{value}', which is no octal number") from None
        case "uid":
            return options._replace(uid=_whole(name, value))
        case "gid":
            return options._replace(gid=_whole(name, value))
        case "nr_inodes":
            return options._replace(inodes=_whole(name, value))
        case "ro" | "rw":
            return options._replace(read_only=name == "ro")
        case "exec" | "noexec":
            return options._replace(executable=name == "exec")
    if name in _IDLE_TMPFS_OPTIONS:
        return options
    raise ValueError(f"has the option '{option}', which is not supported yet")


def _whole(name: str, value: str) -> int:
    if not value.isdecimal():
        raise ValueError(f"has the {name} '{value}', which is no number")
    return int(value)
