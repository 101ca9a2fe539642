"""What this package needs of an event loop."""

from collections.abc import Callable
from typing import Protocol


class Watcher(Protocol):
    """Calls back when a descriptor can be read or a time has come. A callback must not raise."""

    def add_reader(self, fd: int, callback: Callable[[], None]) -> None:
        """Call back whenever the descriptor can be read."""

    def remove_reader(self, fd: int) -> None:
        """End `add_reader`; to be called before the descriptor is closed."""

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back once, after `seconds`; gives a function that cancels it."""
