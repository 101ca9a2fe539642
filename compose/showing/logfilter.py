"""Which lines of a log are shown, and what is shown of them."""

import re
from typing import NamedTuple

from compose.errors import UsageError
from compose.showing.harmless import harmless
from engine.logreader import Run


class LineFilter(NamedTuple):
    """What `logs` shows: lines that match, not before `since`, before `until` (stamps; see engine.logreader.Run)."""

    matching: re.Pattern[bytes] | None = None
    since: bytes = b""
    until: bytes | None = None
    on_terminal: bool = False

    def lines(self, run: Run) -> bytes | None:
        """The lines to be shown, without the end of the last one; None when there are none."""
        if run.stamp < self.since or (self.until is not None and run.stamp >= self.until):
            return None
        text = run.text[:-1]
        if self.matching is not None:
            search = self.matching.search
            found = [line for line in text.split(b"\n") if search(line)]
            if not found:
                return None
            text = b"\n".join(found)
        return harmless(text) if self.on_terminal else text


def pattern(text: str) -> re.Pattern[bytes]:
    """The lines that `--grep` asks for; UsageError for what is no regular expression."""
    try:
        return re.compile(text.encode())
    except re.error as error:
        raise UsageError(f"--grep {text}: no regular expression: {error}", hint="put \\ before .*+?[]()|^$") from None
