"""Stays with a stack in the foreground: its output, a watch beside it, the keys of a menu."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

from compose.cli.session import Session
from compose.terminal.foreground import Foreground
from compose.terminal.menu import LeftByUser, Menu, is_possible

_WORDS = "   d Detach   w Watch on/off   Ctrl+C Stop"
_WITHOUT_WATCH = "   d Detach   Ctrl+C Stop"

Beside = Callable[[], AbstractContextManager[None]]


def stay(session: Session, foreground: Foreground, beside: Beside | None, *, watching: bool, menu: bool) -> int:
    """Shows output until all has ended, or as Foreground.watch says; with the menu, the user may leave before: 0."""
    with ExitStack() as resources:
        side = _Side(session, foreground, beside)
        resources.callback(side.close)
        if watching:
            side.toggle()
        keys: Menu | None = None
        if menu and is_possible():
            keys = resources.enter_context(Menu({b"d": _leave, b"w": side.toggle}))
            session.tell(_WORDS if beside else _WITHOUT_WATCH)
        try:
            return foreground.watch(keys)
        except LeftByUser:
            session.tell("detached: the stack goes on; `windlass logs -f` shows its output, `windlass down` removes it")
            return 0


def _leave() -> None:
    raise LeftByUser


class _Side:
    """What goes on beside the output while it is switched on."""

    def __init__(self, session: Session, foreground: Foreground, beside: Beside | None) -> None:
        self._session = session
        self._foreground = foreground
        self._beside = beside
        self._under_way = ExitStack()

    def toggle(self) -> None:
        """Switches it on or off."""
        if self._beside is None:
            return
        if self._foreground.until_told:
            self.close()
            self._session.tell(" \u29bf Watch disabled")
        else:
            self._foreground.until_told = True
            self._under_way.enter_context(self._beside())

    def close(self) -> None:
        """Ends it if it is on."""
        self._foreground.until_told = False
        self._under_way.close()
