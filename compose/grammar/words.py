"""Splits a command line into words by a shell's quoting rules."""

_OPERATORS = frozenset(";&|<>")
_QUOTES = frozenset("\"'`")


def split_command(text: str) -> tuple[tuple[str, ...], str]:
    """A command line's words, and what was cut off behind the first shell operator.

    No shell runs the command: Compose ends it where an unquoted ; & | < or > stands. Raises ValueError with a text
    that completes "`services.web.command` ...".
    """
    line = _Line(text)
    return line.words(), line.cut


class _Line:
    """One line on its way; `_word` is None between words."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._word: list[str] | None = None
        self._words: list[str] = []
        self.cut = ""

    def words(self) -> tuple[str, ...]:
        while self._at < len(self._text) and not self.cut:
            character = self._text[self._at]
            self._at += 1
            if character in _QUOTES:
                self._quoted(character)
            elif character in _OPERATORS:
                self._end(character)
            else:
                self._plain(character)
        self._finish()
        return tuple(self._words)

    def _add(self, text: str) -> None:
        self._word = self._word or []
        self._word.append(text)

    def _finish(self) -> None:
        if self._word is not None:
            self._words.append("".join(self._word))
            self._word = None

    def _plain(self, character: str) -> None:
        if character == "\\":
            self._escaped()
        elif character in "()":
            raise ValueError(f"is no command line: an unquoted '{character}'")
        elif character.isspace():
            self._finish()
        else:
            self._add(character)

    def _escaped(self) -> None:
        self._add(self._text[self._at : self._at + 1])
        self._at += 1

    def _end(self, operator: str) -> None:
        if operator == ">" and self._word and self._word[0].isdecimal():
            self._word = None  # the number names the stream that > would lead away
        self.cut = self._text[self._at - 1 :]

    def _quoted(self, quote: str) -> None:
        self._add(quote if quote == "`" else "")
        while self._text[self._at : self._at + 1] != quote:
            if self._at >= len(self._text):
                raise ValueError(f"is no command line: a {quote} has no partner")
            character = self._text[self._at]
            self._at += 1
            if character == "\\" and quote != "'":
                self._escaped()
            else:
                self._add(character)
        self._at += 1
        self._add(quote if quote == "`" else "")
