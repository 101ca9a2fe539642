"""Shapes of keys whose short forms are like no other key's."""

from compose import codes
from compose.grammar.shapes import Integer, Reading, Refusal, absolute, wrong
from compose.grammar.structures import Assignments
from compose.nodes import Node, number_text


class ExtraHosts:
    """extra_hosts: a mapping from hosts to one or several addresses, or a list of host=address; canonical as the list.

    A host may stand there several times, with an address each.
    """

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        if isinstance(node.value, dict):
            pairs = [
                (host, address)
                for host, child in node.value.items()
                for address in (child.entries if type(child.value) is tuple else (child,))
            ]
        elif type(node.value) is tuple:
            pairs = [self._split(entry, f"{path}[{index}]") for index, entry in enumerate(node.value)]
        else:
            raise wrong(node, path, "a mapping or a list of host=address")
        entries: dict[str, Node] = {}
        for host, address in sorted(pairs, key=lambda pair: pair[0]):
            if not isinstance(address.value, str):
                raise wrong(address, f"{path}.{host}", "text", "put it in quotes")
            text = f"{host}={address.value.removeprefix('[').removesuffix(']')}"
            entries.setdefault(text, Node(text, address.place))
        return node.with_value(tuple(entries.values()))

    def _split(self, entry: Node, path: str) -> tuple[str, Node]:
        if not isinstance(entry.value, str):
            raise wrong(entry, path, "text")
        mark = "=" if "=" in entry.value else ":"
        host, found, address = entry.value.partition(mark)
        if not found or not host or not address:
            raise Refusal(
                entry.place,
                f"{path} is no host with its address: '{entry.value}'",
                "write host=address",
                codes.WRONG_HOST,
            )
        return host, entry.with_value(address)


class SshKeys:
    """build.ssh: names of keys with their paths; a name without path is the agent's."""

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        keys = Assignments().read(node, path, reading)
        return keys.with_value(
            {
                name: child if child.value is None else child.with_value(absolute(str(child.value), reading))
                for name, child in keys.fields.items()
            }
        )


class Mode:
    """Permissions of a file; canonical as the octal text that Compose prints."""

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        value = node.value
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 0o7777:
            return node.with_value(f"0{value:o}")
        if isinstance(value, str) and value and set(value) <= set("01234567"):
            return node.with_value(f"0{int(value, 8):o}")
        raise Refusal(
            node.place, f"{path} must be permissions such as 0440", "write four octal digits", codes.WRONG_MODE
        )


class TextOf:
    """Text, where a boolean or number is taken as its text."""

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        if isinstance(node.value, str):
            return node
        if isinstance(node.value, (bool, int, float)):
            return node.with_value(number_text(node.value))
        raise wrong(node, path, "text")


class Contexts:
    """additional_contexts: names with a directory on the host, or with an address."""

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        read = Assignments().read(node, path, reading)
        for name, child in read.fields.items():
            if child.value is None and child.tag != "!reset":
                hint = "write name=directory"
                raise Refusal(child.place, f"{path}: the context '{name}' leads nowhere", hint, codes.WRONG_KIND)
        return read.with_value({name: self._resolved(child, reading) for name, child in read.fields.items()})

    def _resolved(self, child: Node, reading: Reading) -> Node:
        text = str(child.value)
        scheme = text.partition(":")[0]
        remote = "://" in text or scheme == "service" or text.startswith("git@")
        return child if remote or child.tag else child.with_value(absolute(text, reading))


class Count:
    """How many devices: a number, or all of them, which is -1."""

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        if node.value == "all":
            return node.with_value(-1)
        return Integer(-1).read(node, path, reading)


def with_count(node: Node, path: str, reading: Reading) -> Node:
    """A request for devices: all of them when neither their number nor their ids are given."""
    del path, reading
    if "count" in node.fields or "device_ids" in node.fields:
        return node
    return node.with_value({**node.fields, "count": Node(-1, node.place)})


def long_device(node: Node, path: str, reading: Reading) -> tuple[Node, ...]:
    """The long form of source[:target[:permissions]], as a tuple of one."""
    del reading
    if not isinstance(node.value, str):
        raise wrong(node, path, "text or a mapping")
    if node.value.count(":") > 2:
        hint = "write source:target:permissions, or a mapping with these keys"
        message = f"{path} has more than three parts between colons: '{node.value}'"
        raise Refusal(node.place, message, hint, codes.WRONG_DEVICE)
    source, _, rest = node.value.partition(":")
    target, _, permissions = rest.partition(":")
    cdi = "=" in source and not source.startswith("/")
    values = {"source": source, "target": target or source, "permissions": permissions or "rwm"}
    chosen = {**values, "source": node.value, "target": node.value} if cdi else values
    return (Node({key: Node(value, node.place) for key, value in chosen.items()}, node.place),)


def with_device_path(node: Node, path: str, reading: Reading) -> Node:
    """The options of a volume's driver: a directory that is to be bound counts from the project's."""
    del path
    device, options = node.fields.get("device"), node.fields.get("o")
    if device is None or options is None or "bind" not in str(options.value).split(","):
        return node
    resolved = device.with_value(absolute(str(device.value), reading))
    return node.with_value({**node.fields, "device": resolved})
