"""Shapes that hold other shapes: lists, mappings, records, and the short forms that stand for them."""

from collections.abc import Callable, Mapping

from compose import codes
from compose.grammar.shapes import Reading, Refusal, Shape, Text, wrong
from compose.grammar.words import split_command
from compose.nodes import Node, kind, number_text


class Command:
    """A program with its arguments: a list, or a line that is split as a shell would."""

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        if node.value is None:
            return node
        if not isinstance(node.value, str):
            return _WORDS.read(node, path, reading)
        try:
            words, cut = split_command(node.value)
        except ValueError as error:
            raise Refusal(node.place, f"{path} {error}", "write it as a list of words", codes.WRONG_COMMAND) from None
        if cut:
            shown = cut[:20]
            message = f"{path} ends before '{shown}', for no shell runs it"
            reading.warn(node.place, message, "write sh -c '...' if one should", codes.CUT_COMMAND)
        return node.with_value(tuple(Node(word, node.place) for word in words))


class ListOf:
    """A list of one shape. `unique` drops equal scalars behind the first; `single` lets one value stand for a list."""

    def __init__(self, entry: Shape, *, unique: bool = False, single: bool = False) -> None:
        self.entry = entry
        self.unique = unique
        self.single = single

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        if self.single and isinstance(node.value, str):
            node = node.with_value((Node(node.value, node.place),))
        if type(node.value) is not tuple:
            hint = f"write `- {node.value}` in a line of its own" if isinstance(node.value, str) else ""
            raise wrong(node, path, "a list", hint)
        entries = [reading.attempt(self.entry, child, f"{path}[{index}]") for index, child in enumerate(node.value)]
        known: dict[object, Node] = {}
        for index, entry in enumerate(entries):
            if entry is not None:
                known.setdefault(entry.value if self.unique else index, entry)
        return node.with_value(tuple(known.values()))


class Spread:
    """A list whose entries have short forms that may stand for several long ones (ports, volumes).

    Equal short entries count once.
    """

    def __init__(self, short: Callable[[Node, str, Reading], tuple[Node, ...]], long: Shape) -> None:
        self._short = short
        self.long = long

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        if type(node.value) is not tuple:
            hint = f"write `- {node.value}` in a line of its own" if isinstance(node.value, (str, int)) else ""
            raise wrong(node, path, "a list", hint)
        entries: list[Node] = []
        short: set[str] = set()
        for index, child in enumerate(node.value):
            if isinstance(child.value, dict):
                long = reading.attempt(self.long, child, f"{path}[{index}]")
                entries += () if long is None else (long,)
            elif repr(child.value) not in short:
                short.add(repr(child.value))
                try:
                    entries += self._short(child, f"{path}[{index}]", reading)
                except Refusal as refusal:
                    reading.problems.append(refusal.problem)
        return node.with_value(tuple(entries))


class OneOf:
    """A short form (text) or else the long one; `short` turns the text into a long node, or None."""

    def __init__(self, short: Callable[[str, Node], Node], long: Shape) -> None:
        self._short = short
        self.long = long

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        if isinstance(node.value, str):
            node = self._short(node.value, node)
        return self.long.read(node, path, reading)


class Named:
    """A list of names or a mapping from names to details; canonical as the mapping."""

    def __init__(self, details: Shape, blank: Callable[[Node], Node]) -> None:
        self.map = MapOf(details)
        self._blank = blank

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        if type(node.value) is tuple:
            names = _WORDS.read(node, path, reading)
            node = node.with_value({str(name.value): self._blank(name) for name in names.entries})
        if not isinstance(node.value, dict):
            raise wrong(node, path, "a list or a mapping")
        return self.map.read(node, path, reading)


class Assignments:
    """A mapping of texts, or a list of NAME=text; canonical as the mapping.

    A name without `=` or value stays empty (None), or becomes `blank` when that is given. Some are never `listed`.
    """

    def __init__(self, *, blank: str | None = None, strict_names: bool = False, listed: bool = True) -> None:
        self.blank = blank
        self.listed = listed
        self._strict_names = strict_names

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        value = node.value
        if type(value) is tuple and self.listed:
            value = self._from_list(value, path, reading)
        if not isinstance(value, dict):
            raise wrong(node, path, "a mapping or a list of NAME=value" if self.listed else "a mapping")
        result: dict[str, Node] = {}
        for name, child in value.items():
            at = f"{path}.{name}"
            if child.tag == "!reset":
                result[name] = child
            elif self._strict_names and name != name.rstrip():
                reading.refuse(
                    child.key or child.place,
                    f"{path}: the name '{name}' ends with a space",
                    "delete it",
                    codes.WRONG_NAME,
                )
            elif child.value is None:
                result[name] = child.with_value(self.blank)
            elif isinstance(child.value, (bool, int, float)):
                result[name] = child.with_value(number_text(child.value))
            elif isinstance(child.value, str):
                result[name] = child
            else:
                hint = "put it in quotes" if kind(child) == "a date" else ""
                reading.problems.append(wrong(child, at, "text, a number, true or false", hint).problem)
        return node.with_value(result)

    def _from_list(self, entries: tuple[Node, ...], path: str, reading: Reading) -> dict[str, Node]:
        result: dict[str, Node] = {}
        for index, entry in enumerate(entries):
            if not isinstance(entry.value, str):
                hint = "in a list write `- NAME=value`" if isinstance(entry.value, dict) else ""
                reading.problems.append(wrong(entry, f"{path}[{index}]", "text", hint).problem)
                continue
            name, equals, text = entry.value.partition("=")
            result[name] = Node(text if equals else None, entry.place, entry.place)
        return result


class MapOf:
    """A mapping from free names to one shape. `check` raises ValueError for names that are not allowed."""

    def __init__(self, entry: Shape, *, check: Callable[[str], object] | None = None, extensions: bool = False) -> None:
        self.entry = entry
        self.check = check
        self._extensions = extensions

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        if not isinstance(node.value, dict):
            raise wrong(node, path, "a mapping")
        result: dict[str, Node] = {}
        for name, child in node.value.items():
            if child.tag == "!reset" or (self._extensions and name.startswith("x-")):
                result[name] = child
                continue
            if self.check is not None:
                try:
                    self.check(name)
                except ValueError as error:
                    reading.refuse(child.key or child.place, f"{path}: '{name}' {error}", "", codes.WRONG_NAME)
            read = reading.attempt(self.entry, child, f"{path}.{name}")
            if read is not None:
                result[name] = read
        return node.with_value(result)


class Maybe:
    """A shape or nothing: an empty value stays empty, or becomes an empty mapping (`blank`)."""

    def __init__(self, shape: Shape, *, blank: bool = False) -> None:
        self.shape = shape
        self.blank = blank

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        if node.value is not None:
            return self.shape.read(node, path, reading)
        return node.with_value({}) if self.blank else node


class Later:
    """A key of the specification that windlass does not support yet: read as ever, and an obstacle to starting."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        reading.later.add(node.key or node.place)
        return self.shape.read(node, path, reading)


class Fields:
    """A mapping with known keys; keys that begin with x- are kept as they are."""

    def __init__(
        self,
        table: Mapping[str, Shape],
        *,
        required: tuple[str, ...] = (),
        finish: Callable[[Node, str, Reading], Node] | None = None,
    ) -> None:
        self.keys = frozenset(table)
        self.table = table
        self.required = required
        self._finish = finish

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        if not isinstance(node.value, dict):
            raise wrong(node, path, "a mapping")
        result: dict[str, Node] = {}
        table, prefix = self.table, path + "." if path else ""
        for key, child in node.value.items():
            shape = table.get(key)
            if child.tag == "!reset" or key.startswith("x-"):
                result[key] = child
            elif shape is None:
                self._unknown(key, child, path, reading)
            else:
                read = reading.attempt(shape, child, prefix + key)
                if read is not None:
                    result[key] = read
        for key in self.required:
            if key not in node.value or node.value[key].tag == "!reset":
                raise Refusal(node.key or node.place, f"{path} has no '{key}'", f"add '{key}:'", codes.MISSING_KEY)
        node = node.with_value(result)
        complete = all(key in result for key in self.required)  # one that was refused is a problem already
        return self._finish(node, path, reading) if self._finish is not None and complete else node

    def _unknown(self, key: str, child: Node, path: str, reading: Reading) -> None:
        owner = path or "the file"
        hint = reading.remedy(key, child, path, self.keys)
        reading.refuse(child.key or child.place, f"{owner} has no key '{key}'", hint, codes.UNKNOWN_KEY)


_WORDS = ListOf(Text())
