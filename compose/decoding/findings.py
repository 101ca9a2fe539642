"""What decoding a document finds out beside its values."""

from compose import codes
from compose.errors import Problem
from compose.nodes import Node


class Findings:
    """Problems refuse the file; obstacles let it be shown, but not started; warnings are told once.

    A problem is what Compose's own `config` refuses, too. What it leaves to the start to find out is an obstacle.
    """

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.obstacles: list[Problem] = []
        self.warnings: list[Problem] = []

    def refuse(self, node: Node, message: str, hint: str, code: str) -> None:
        """Keeps what is wrong with a value."""
        if "not supported yet" in message or code == codes.NOT_YET:
            self.hinder(node, message, hint, codes.NOT_YET)
        else:
            self.problems.append(Problem(node.place, message, hint, code))

    def hinder(self, node: Node, message: str, hint: str = "", code: str = "") -> None:
        """Keeps what no container can be started with."""
        later = "not supported yet" in message
        self.obstacles.append(Problem(node.place, message, hint, code or (codes.NOT_YET if later else codes.NO_START)))

    def warn(self, node: Node, message: str, hint: str = "", code: str = codes.NO_EFFECT) -> None:
        """Keeps what has no effect."""
        self.warnings.append(Problem(node.key or node.place, message, hint, code))
