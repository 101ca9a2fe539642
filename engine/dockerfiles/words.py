"""Words of an instruction: where they end, what quotes and backslashes protect, what variables stand for."""

import re
from collections.abc import Mapping

from engine.dockerfiles.problems import Mistake
from engine.dockerfiles.trimming import replaced, trimmed

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SPECIAL = frozenset("@*#!?-0123456789")


def split(text: str, escape: str = "\\") -> tuple[str, ...]:
    """The words of a text as they stand there, with their quotes and escapes; spaces in quotes don't end a word."""
    words: list[str] = []
    word = ""
    quote = ""
    at = 0
    while at < len(text):
        character = text[at]
        if character == escape and quote != "'" and at + 1 < len(text):
            word += text[at : at + 2]
            at += 2
            continue
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character.isspace():
            if word:
                words.append(word)
            word = ""
            at += 1
            continue
        word += character
        at += 1
    return (*words, word) if word else tuple(words)


def expand(word: str, variables: Mapping[str, str], escape: str = "\\") -> str:
    """The word without its quotes and escapes, its variables replaced; unset ones are empty. Mistake when malformed."""
    return _Expansion(word, variables, escape).until("")


def expand_text(text: str, variables: Mapping[str, str], escape: str = "\\") -> str:
    """A here-document with its variables replaced; quotes are ordinary there."""
    return _Expansion(text, variables, escape).text()


class _Expansion:
    """One pass over a word; `at` is where it has got to."""

    def __init__(self, word: str, variables: Mapping[str, str], escape: str) -> None:
        self._word = word
        self._variables = variables
        self._escape = escape
        self._at = 0

    def until(self, end: str) -> str:
        """What comes up to the unprotected character `end`, which is taken, too; empty means the word's end."""
        result = ""
        while self._at < len(self._word):
            character = self._take()
            if character == end:
                return result
            if character == "'":
                result += self._single_quoted()
            elif character == '"':
                result += self._double_quoted()
            elif character == "$":
                result += self._variable()
            elif character == self._escape:
                result += self._take()
            else:
                result += character
        if end:
            raise Mistake(f"{self._word!r} lacks a closing {end!r}")
        return result

    def text(self) -> str:
        """All of it, where only variables mean something."""
        result = ""
        while self._at < len(self._word):
            character = self._take()
            if character == self._escape and self._word[self._at : self._at + 1] in {"$", self._escape}:
                result += self._take()
            else:
                result += self._variable() if character == "$" else character
        return result

    def _take(self) -> str:
        character = self._word[self._at : self._at + 1]
        self._at += 1
        return character

    def _single_quoted(self) -> str:
        end = self._word.find("'", self._at)
        if end < 0:
            raise Mistake(f"{self._word!r} lacks a closing single quote")
        content = self._word[self._at : end]
        self._at = end + 1
        return content

    def _double_quoted(self) -> str:
        result = ""
        while self._at < len(self._word):
            character = self._take()
            if character == '"':
                return result
            if character == "$":
                result += self._variable()
            elif character == self._escape:
                following = self._take()
                result += following if following in {'"', "$", self._escape} else character + following
            else:
                result += character
        raise Mistake(f"{self._word!r} lacks a closing double quote")

    def _variable(self) -> str:
        if self._word[self._at : self._at + 1] == "{":
            self._at += 1
            return self._braced()
        name = self._name()
        if name:
            return self._variables.get(name, "")
        if self._word[self._at : self._at + 1] in _SPECIAL and self._at < len(self._word):
            self._at += 1
            return ""
        return "$"

    def _name(self) -> str:
        match = _NAME.match(self._word, self._at)
        if match is None:
            return ""
        self._at = match.end()
        return match.group()

    def _braced(self) -> str:
        name = self._name()
        if not name:
            raise Mistake(f"{self._word!r} has no variable's name after '${{'")
        operator = self._take()
        if operator == "}":
            return self._variables.get(name, "")
        value = self._variables.get(name)
        if operator in {"#", "%", "/"}:
            return self._cut(value or "", operator)
        if operator == ":":
            operator = self._take()
            value = value or None
        if not operator:
            raise Mistake(f"{self._word!r} lacks a closing '}}'")
        if operator not in {"-", "+", "?"}:
            raise Mistake(
                f"{self._word!r} uses an operator on {name} that there is not",
                hint="there are ${name:-default}, ${name:+other}, ${name:?message}, ${name#start}, ${name%end}, "
                "${name/old/new}",
            )
        other = self.until("}")
        if operator == "+":
            return "" if value is None else other
        if value is None and operator == "?":
            raise Mistake(f"{name}: {other or 'is not set'}")
        return other if value is None else value

    def _cut(self, value: str, operator: str) -> str:
        if self._word[self._at : self._at + 1] == operator:
            operator += self._take()
        if operator.startswith("/"):
            pattern = self._pattern("/")
            return replaced(value, pattern, self.until("}"), everywhere=len(operator) == 2)
        return trimmed(value, operator, self._pattern("}"))

    def _pattern(self, end: str) -> str:
        """What comes up to `end`, its escapes kept; a replacement may be left out with its slash."""
        result = ""
        while self._at < len(self._word):
            character = self._take()
            if character == end:
                return result
            if character == "}":
                self._at -= 1
                return result
            if character == self._escape:
                result += "\\" + self._take()
            else:
                result += self._variable() if character == "$" else character
        raise Mistake(f"{self._word!r} lacks a closing {end!r}")
