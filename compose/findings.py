"""What decoding a document finds out beside its values."""

from compose import codes
from compose.errors import Problem
from compose.nodes import Node


class Findings:
    """Problems refuse the file; warnings are told once.

    Problems that say "not supported yet" have that code, and do not spoil the stack for who only looks at it.
    """

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []

    def refuse(self, node: Node, message: str, hint: str = "", code: str = "") -> None:
        """Keeps what is wrong with a value."""
        code = code or (codes.NOT_YET if "not supported yet" in message else codes.WRONG_VALUE)
        self.problems.append(Problem(node.place, message, hint, code))

    def warn(self, node: Node, message: str, hint: str = "", code: str = codes.NO_EFFECT) -> None:
        """Keeps what has no effect."""
        self.warnings.append(Problem(node.key or node.place, message, hint, code))
