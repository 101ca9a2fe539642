"""How often a request is tried again, and how long is waited before."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

from engine.registries.wire import UnreachableError

ATTEMPTS: Final = 5
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 120.0

Result = TypeVar("Result")


class Patience:
    """Waits twice as long every time, or as long as the other side asks for; not longer than two minutes."""

    def __init__(self, attempts: int = ATTEMPTS, pause: Callable[[float], None] = time.sleep) -> None:
        self.attempts = attempts
        self._pause = pause

    def wait(self, failures: int, error: UnreachableError) -> None:
        """Waits before the next attempt after so many failures; raises the error when they are enough."""
        if failures >= self.attempts:
            raise error
        if error.wait_seconds > _LONGEST_PAUSE_SECONDS:
            hint = f"it asks to be left alone for {error.wait_seconds:.0f} seconds"
            raise UnreachableError(error.message, hint=hint, wait_seconds=error.wait_seconds) from error
        self._pause(max(_FIRST_PAUSE_SECONDS * 2 ** (failures - 1), error.wait_seconds))

    def persist(self, attempt: Callable[[], Result]) -> Result:
        """What an attempt gives, the first that is not an UnreachableError."""
        failures = 0
        while True:
            try:
                return attempt()
            except UnreachableError as error:
                failures += 1
                self.wait(failures, error)
