"""The shapes that the tables of keys share."""

import re
from collections.abc import Callable

from compose.grammar.shapes import (
    Boolean,
    Duration,
    Integer,
    Number,
    Reading,
    Shape,
    Size,
    Text,
)
from compose.grammar.special_shapes import ExtraHosts, Mode
from compose.grammar.structures import Assignments, Command, Fields, ListOf, MapOf, OneOf
from compose.nodes import Node


class Matches:
    """A check of names or texts: the whole must match `pattern`, else it `what`."""

    def __init__(self, pattern: str, what: str) -> None:
        self.pattern = pattern
        self._what = what

    def __call__(self, text: str) -> None:
        """Raises ValueError."""
        if not re.fullmatch(self.pattern, text):
            raise ValueError(self._what)


def mapping_at(node: Node, **values: object) -> Node:
    """A mapping of scalars that stands where `node` does."""
    return node.with_value({key: Node(value, node.place) for key, value in values.items()})  # type: ignore[arg-type]  # scalars


def keyed(key: str) -> Callable[[str, Node], Node]:
    """A short form: the text is the long form's `key`."""
    return lambda text, node: mapping_at(node, **{key: text})


TEXT = Text()
BOOLEAN = Boolean()
INTEGER = Integer()
TRUNCATED = Integer(truncate=True)
COUNT = Integer(0)
NUMBER = Number()
SIZE = Size()
DURATION = Duration()
WORDS = ListOf(TEXT, unique=True)
ONE_OR_MORE = ListOf(TEXT, unique=True, single=True)
TEXT_OR_NUMBER = Text(numbers=True)
LABELS = Assignments(blank="")
ENVIRONMENT = Assignments(strict_names=True)
OPTIONS = MapOf(TEXT_OR_NUMBER)
COMMAND = Command()
NAME = Matches(r"[a-zA-Z0-9._-]+", "is no valid name: use letters, digits, '.', '_' and '-'")


class Limit:
    """One of ulimits: a number, or a soft and a hard one."""

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        both = isinstance(node.value, dict)
        return (SOFT_AND_HARD if both else INTEGER).read(node, path, reading)


SOFT_AND_HARD = Fields({"soft": INTEGER, "hard": INTEGER}, required=("soft", "hard"))
ULIMITS = MapOf(Limit(), check=Matches(r"[a-z]+", "is no limit: use lower case letters"))
EXTRA_HOSTS = ExtraHosts()
GRANT = Fields({"source": TEXT, "target": TEXT, "uid": TEXT, "gid": TEXT, "mode": Mode()})
GRANTS = ListOf(OneOf(keyed("source"), GRANT))
HOOK: dict[str, Shape] = {
    "command": COMMAND,
    "user": TEXT,
    "privileged": BOOLEAN,
    "working_dir": TEXT,
    "environment": ENVIRONMENT,
}
HOOKS = ListOf(Fields(HOOK, required=("command",)))
PRE_START = ListOf(Fields({**HOOK, "image": TEXT, "per_replica": BOOLEAN}))
