"""Log lines of several containers, each behind a coloured prefix with the container's name."""

from collections.abc import Iterable

from compose import naming
from engine.logreader import Run
from engine.state import ContainerRecord

RESET = "\x1b[0m"
CODES = ("36", "33", "32", "35", "34")
COLORS = tuple(f"\x1b[{code}m" for code in CODES) + tuple(f"\x1b[1;{code}m" for code in CODES)


class Prefixes:
    """The prefix of each container: names padded to the longest, colours by turns."""

    def __init__(self, stack: str, names: Iterable[str], *, color: bool, shown: bool = True) -> None:
        self._stack = stack
        self._color = color
        self._shown = shown
        self._width = 0
        self._prefixes: dict[str, bytes] = {}
        self._names: list[str] = []
        for name in names:
            self.add(name)

    def add(self, name: str, service: str = "") -> None:
        """Makes a prefix for one more container; longer names widen those of all."""
        del service
        if name in self._names:
            return
        self._names.append(name)
        self._width = max(self._width, len(naming.short_name(self._stack, name)) + 1)
        self._prefixes = {each: self._prefix(each, turn) for turn, each in enumerate(self._names)}

    def _prefix(self, name: str, turn: int) -> bytes:
        if not self._shown:
            return b""
        text = f"{naming.short_name(self._stack, name).ljust(self._width)} | "
        return (f"{COLORS[turn % len(COLORS)]}{text}{RESET}" if self._color else text).encode()

    def text(self, name: str, run: Run, lines: bytes, *, stamped: bool = False) -> bytes:
        """A container's lines (of a run, without the end of the last one) as they are printed."""
        if name not in self._prefixes:
            self.add(name)
        before = self._prefixes[name] + (run.stamp + b" " if stamped else b"")
        return before + (lines.replace(b"\n", b"\n" + before) if before else lines) + b"\n"

    def ended(self, name: str, exit_code: int | None, *, restarting: bool) -> str:
        """What is said when a container ends."""
        code = "an unknown status" if exit_code is None else f"code {exit_code}"
        return f"{naming.short_name(self._stack, name)} exited with {code}{' (restarting)' if restarting else ''}"


def loss_text(record: ContainerRecord) -> str:
    """Says that some of a container's output is in no log."""
    lost = record.state.dropped_bytes
    return f"{record.spec.name}: {lost} bytes of its output were dropped, its log could not be written"
