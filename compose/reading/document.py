"""Reads YAML text into nodes: the one door of the YAML library.

Scalars are read as Compose reads them, which is YAML 1.2 with leftovers of 1.1: `yes` and `22:22` are text, `010` is 8.
"""

import re
from typing import Any

import yaml
from msgspec import structs

from compose import codes
from compose.errors import FileError, Problem
from compose.nodes import Node, Scalar, Timestamp, Value
from compose.places import Place

_Pure: Any = yaml.SafeLoader
_Loader: Any = getattr(yaml, "CSafeLoader", _Pure)  # without libyaml: slower

MAX_BYTES = 10 * 1024 * 1024
MAX_DEPTH = 100
MAX_NODES = 100_000

_PLAIN = "plain"  # our names for the tags of an unquoted scalar
_TEXT = "text"  # and of everything else that the file gives no tag
_MARKS = frozenset(("!reset", "!override"))
_MISTYPED = 0.85
_STANDARD = "tag:yaml.org,2002:"
_COLLECTION_TAGS = _MARKS | {_TEXT, "!", _STANDARD + "map", _STANDARD + "seq"}
_SCALAR_TYPES: dict[str, tuple[type, ...]] = {
    _STANDARD + "int": (int,),
    _STANDARD + "float": (int, float),
    _STANDARD + "bool": (bool,),
    _STANDARD + "null": (type(None),),
}
_INFINITE = float("inf")
_CONSTANTS: dict[str, Scalar] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), _INFINITE),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -_INFINITE),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_NUMBER_START = frozenset("+-.0123456789")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|([1-9][0-9]*|0))")
_DATE = re.compile(
    r"\d{4}-(0?[1-9]|1[0-2])-(0?[1-9]|[12]\d|3[01])([Tt ][ \t]*\d{1,2}:\d{1,2}:\d{1,2}(\.\d+)?(Z|[-+]\d\d:\d\d)?)?"
)


class _NodeLoader(_Loader):  # type: ignore[misc]  # the C parser's stub knows no base class
    """Composes nodes without resolving them, and no deeper than is sane (the C parser would overflow its stack)."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = 0

    def descend_resolver(self, current_node: Any, current_index: Any) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            mark = None if current_node is None else current_node.start_mark
            raise yaml.MarkedYAMLError(problem=f"values are nested deeper than {MAX_DEPTH} levels", problem_mark=mark)
        del current_index

    def ascend_resolver(self) -> None:
        self.depth -= 1

    def resolve(self, kind: type[yaml.Node], value: str, implicit: Any) -> str:
        del value
        return _PLAIN if kind is yaml.ScalarNode and implicit[0] else _TEXT


def read_documents(data: bytes | str, file: str) -> tuple[Node, ...]:
    """The documents of one file, with `file` as the name in their places; raises FileError."""
    text = _decoded(data, file)
    try:
        loader = _NodeLoader(text)
        try:
            roots = []
            while loader.check_node():
                roots.append(loader.get_node())
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        raise FileError((_syntax_problem(error, file),)) from None
    except yaml.reader.ReaderError:
        raise FileError((_character_problem(text, file),)) from None
    return _Conversion(file).documents(roots)


def _decoded(data: bytes | str, file: str) -> str:
    if len(data) > MAX_BYTES:
        raise FileError(
            (
                Problem(
                    Place(file),
                    f"is larger than {MAX_BYTES // 1024 // 1024} MiB",
                    "is it a Compose file?",
                    codes.TOO_LARGE,
                ),
            )
        )
    if isinstance(data, str):
        return data
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        place = Place(file, line, column)
        hint = "save the file as UTF-8"
        raise FileError((Problem(place, "is not UTF-8 text", hint, codes.NOT_TEXT),)) from None


def _character_problem(text: str, file: str) -> Problem:
    bad = re.search(r"[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)
    if bad is None:
        return Problem(Place(file), "is no YAML text", "save the file as UTF-8", codes.NOT_TEXT)
    place = Place(file, text.count("\n", 0, bad.start()) + 1, bad.start() - text.rfind("\n", 0, bad.start()))
    message = f"the character U+{ord(bad[0]):04X} cannot stand in a YAML file"
    return Problem(place, message, "delete it, or write it escaped in quotes", codes.NOT_TEXT)


def _syntax_problem(error: yaml.MarkedYAMLError, file: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
    message = error.problem or "is no YAML"
    if error.context and error.context not in message:
        message = f"{message} {error.context}"
    hint = ""
    if "'\\t'" in message or "character '\t'" in message or "cannot start any token" in message:
        hint = "indent with spaces, never with tabs; put text that begins with a special character in quotes"
    elif "mapping values are not allowed" in message:
        hint = "check the indentation, and put text that holds ': ' in quotes"
    elif "unexpected ':'" in message:
        hint = "put a space behind the colon, or the text in quotes"
    elif "undefined alias" in message:
        hint = "an anchor (&name) stands in the same file, before its aliases"
    elif "expected <block end>" in message or "could not find expected ':'" in message:
        hint = "check the indentation of this line and the one before"
    return Problem(place, f"cannot be read as YAML: {message}", hint, codes.NOT_YAML)


def scalar(text: str) -> Scalar:
    """What an unquoted scalar means."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    return _number(text) if text[0] in _NUMBER_START else text


def _number(text: str) -> Scalar:
    if _DATE.fullmatch(text):
        return Timestamp(text)
    bare = text.replace("_", "")
    integer = _INTEGER.fullmatch(bare)
    if integer:
        sign, hexadecimal, binary, octal, decimal = integer.groups()
        digits = hexadecimal or binary or octal or decimal
        base = 16 if hexadecimal else 2 if binary else 8 if octal else 10
        if len(digits) <= 64:
            number = int(sign + digits, base)
            if -(2**63) <= number < 2**64:
                return number
    if _FLOAT.fullmatch(bare):
        value = float(bare)
        return text if value in (_INFINITE, -_INFINITE) else value
    return text


class _Conversion:
    """From the library's nodes to ours; collects problems, counts what aliases expand to."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._problems: list[Problem] = []
        self._known: dict[int, tuple[Node, int]] = {}
        self._open: set[int] = set()
        self._count = 0

    def documents(self, roots: list[Any]) -> tuple[Node, ...]:
        documents = tuple(self._node(root) for root in roots)
        if self._problems:
            raise FileError(tuple(self._problems))
        return documents

    def _place(self, node: Any) -> Place:
        mark = node.start_mark
        return Place(self._file, mark.line + 1, mark.column + 1)

    def _node(self, node: Any, key: Place | None = None) -> Node:
        self._grow(1, node)
        tag: str = node.tag
        if type(node) is not yaml.ScalarNode:
            return self._collection(node, tag, key)
        if tag == _PLAIN:
            return Node(scalar(node.value), self._place(node), key)
        if tag == _TEXT:
            return Node(node.value, self._place(node), key)
        return Node(self._tagged_scalar(node, tag), self._place(node), key, tag if tag in _MARKS else "")

    def _grow(self, amount: int, node: Any) -> None:
        self._count += amount
        if self._count > MAX_NODES:
            hint = "its aliases (*name) multiply each other"
            message = f"the file grows beyond {MAX_NODES} values"
            raise FileError((Problem(self._place(node), message, hint, codes.ENDLESS_ALIAS),))

    def _collection(self, node: Any, tag: str, key: Place | None) -> Node:
        identity = id(node)
        known = self._known.get(identity)
        if known is not None:
            self._grow(known[1], node)
            return structs.replace(known[0], key=key)
        if identity in self._open:
            message, hint = "an alias stands inside the value that it names", "let the alias stand outside of it"
            raise FileError((Problem(self._place(node), message, hint, codes.ENDLESS_ALIAS),))
        if tag not in _COLLECTION_TAGS:
            self._check_tag(node, tag)
        before = self._count
        self._open.add(identity)
        value: Value = self._mapping(node) if isinstance(node, yaml.MappingNode) else self._list(node)
        self._open.discard(identity)
        converted = Node(value, self._place(node), key, tag if tag in _MARKS else "")
        self._known[identity] = (converted, self._count - before)
        return converted

    def _list(self, node: Any) -> tuple[Node, ...]:
        """The entries, without those that !reset marks: they are not of what another file says."""
        return tuple(self._node(entry) for entry in node.value if entry.tag != "!reset")

    def _tagged_scalar(self, node: Any, tag: str) -> Scalar:
        text: str = node.value
        if tag == _STANDARD + "binary":
            return self._binary(node)
        if tag == _STANDARD + "str" or not tag.startswith(_STANDARD):
            self._check_tag(node, tag)
            return text
        value = scalar(text)
        if not isinstance(value, _SCALAR_TYPES.get(tag, ())):
            self._refuse_tag(node, tag)
        return value

    def _binary(self, node: Any) -> str:
        """The text that stands in base64."""
        import base64  # noqa: PLC0415 - hardly any file has one

        try:
            return base64.b64decode("".join(node.value.split()), validate=True).decode()
        except ValueError:
            hint = "write the text itself, in quotes"
            self._problems.append(Problem(self._place(node), "!!binary takes text in base64", hint, codes.UNKNOWN_TAG))
            return ""

    def _check_tag(self, node: Any, tag: str) -> None:
        """Compose takes no notice of a tag that it does not know; what looks like a mistake is refused here.

        That is a mistyped mark, and text that begins with an exclamation mark, of which nothing would be left.
        """
        if tag in _MARKS or not tag.startswith(("!", _STANDARD)):
            return
        from compose.spelling import did_you_mean  # noqa: PLC0415 - hardly any file has tags of its own

        own = not tag.startswith(_STANDARD)
        nothing_left = own and tag != "!" and node.value == "" and not node.style
        if nothing_left or (not own and tag != _STANDARD + "str") or did_you_mean(tag, _MARKS, similarity=_MISTYPED):
            self._refuse_tag(node, tag)

    def _refuse_tag(self, node: Any, tag: str) -> None:
        shown = tag.replace(_STANDARD, "!!")
        hint = "Compose files know the tags !reset and !override; put text that begins with ! in quotes"
        self._problems.append(
            Problem(self._place(node), f"the tag {shown} means nothing here", hint, codes.UNKNOWN_TAG)
        )

    def _mapping(self, node: Any) -> dict[str, Node]:
        own: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        merging: Place | None = None
        for key_node, value_node in node.value:
            if key_node.tag == _PLAIN and key_node.value == "<<":
                if merging is not None:
                    self._tell_twice("<<", key_node, merging)
                merging = self._place(key_node)
                for name, child in self._merged(value_node).items():
                    merged.setdefault(name, child)
                continue
            key = self._key(key_node)
            if key is None:
                continue
            first = own.get(key)
            if first is None:
                own[key] = self._node(value_node, self._place(key_node))
            elif first.key is not None:
                self._tell_twice(key, key_node, first.key)
        if not merged:
            return own
        return {**{name: child for name, child in merged.items() if name not in own}, **own}

    def _tell_twice(self, key: str, node: Any, first: Place) -> None:
        hint = "keep one of the two; the last one does not win"
        message = f"the key '{key}' stands twice in this mapping, first in line {first.line}"
        self._problems.append(Problem(self._place(node), message, hint, codes.DUPLICATE_KEY, (first,)))

    def _key(self, node: Any) -> str | None:
        value: object = None
        if isinstance(node, yaml.ScalarNode):
            tag = node.tag
            value = (
                node.value if tag == _TEXT else scalar(node.value) if tag == _PLAIN else self._tagged_scalar(node, tag)
            )
            if isinstance(value, str):
                return value
        shown = f"'{node.value}'" if isinstance(node, yaml.ScalarNode) else "a list or mapping"
        message = f"a key must be text, not {shown}"
        self._problems.append(Problem(self._place(node), message, "put it in quotes", codes.KEY_NOT_TEXT))
        return None

    def _merged(self, node: Any) -> dict[str, Node]:
        converted = self._node(node)
        maps = converted.entries if isinstance(converted.value, tuple) else (converted,)
        merged: dict[str, Node] = {}
        for each in maps:
            if not isinstance(each.value, dict):
                hint = "write `<<: *name`, where &name marks a mapping"
                message = "<< takes a mapping or a list of mappings"
                self._problems.append(Problem(each.place, message, hint, codes.WRONG_MERGE))
                continue
            for name, child in each.value.items():
                merged.setdefault(name, child)
        return merged
