"""How a decoder tells that it cannot serve a value."""

from typing import Protocol

from compose.nodes import Node


class Refuse(Protocol):
    """Notes a problem with a node; decoding goes on."""

    def __call__(self, node: Node, message: str, hint: str, code: str) -> None:
        """Takes the message, what to do about it, and the kind of mistake."""
