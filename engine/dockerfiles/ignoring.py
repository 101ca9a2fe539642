"""Which files of a build context are left out (.dockerignore)."""

import re
from typing import NamedTuple


class Pattern(NamedTuple):
    """One line: `keep` for those that begin with an exclamation mark."""

    line: int
    text: str
    regex: re.Pattern[str]
    keep: bool


class IgnoreRules(NamedTuple):
    """A whole file; `file` is what people call it."""

    file: str = ""
    patterns: tuple[Pattern, ...] = ()

    @property
    def may_keep_below(self) -> bool:
        """Says whether something below a directory that is left out may be kept nevertheless."""
        return any(pattern.keep for pattern in self.patterns)

    def ignoring(self, path: str) -> Pattern | None:
        """The pattern that leaves a path out, None when it is kept: the last that fits it, or a parent, decides."""
        parts = path.split("/")
        parents = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
        for pattern in reversed(self.patterns):
            if any(pattern.regex.fullmatch(parent) for parent in parents):
                return None if pattern.keep else pattern
        return None


def parse_ignore_rules(text: str, file: str) -> IgnoreRules:
    """Reads the text of a .dockerignore file."""
    patterns = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        written = line.strip()
        if line.startswith("#") or not written:
            continue
        keep = written.startswith("!")
        cleaned = _clean(written.removeprefix("!").strip())
        if cleaned:
            patterns.append(Pattern(number, written, _compile(cleaned), keep))
    return IgnoreRules(file, tuple(patterns))


def component_regex(pattern: str) -> re.Pattern[str]:
    """A pattern for one name: `*`, `?`, `[a-z]` as shells know them, but names may begin with a dot."""
    return re.compile(_translate(pattern), re.DOTALL)


def has_wildcard(text: str) -> bool:
    """Says whether a name is a pattern."""
    return any(character in text for character in "*?[\\")


def _clean(pattern: str) -> str:
    parts: list[str] = []
    for part in pattern.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)


def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(_translate(pattern), re.DOTALL)


_TAKES_OVER = {"names": {"names", "all"}, "all": {"all"}, "directories": set[str]()}


def _translate(pattern: str) -> str:
    """The pattern as a regular expression that does not try in vain, however many stars there are.

    Between two stars, the first place that fits is as good as any other where the second takes what the first gives up:
    none but that one is tried.
    """
    pieces = _pieces(pattern)
    loops = [at for at, (kind, _) in enumerate(pieces) if kind]
    result = "".join(piece for _, piece in pieces[: loops[0] if loops else None])
    for at, following in zip(loops, [*loops[1:], len(pieces)], strict=False):
        kind, piece = pieces[at]
        fixed = "".join(piece for _, piece in pieces[at + 1 : following])
        takes_over = following < len(pieces) and pieces[following][0] in _TAKES_OVER[kind]
        result += f"(?>{piece}?{fixed})" if takes_over else f"{piece}{fixed}"
    return result


def _pieces(pattern: str) -> list[tuple[str, str]]:
    """The expressions that a pattern consists of, with what kind of a star each is; empty for one character."""
    pieces: list[tuple[str, str]] = []
    at = 0
    while at < len(pattern):
        character = pattern[at]
        at += 1
        if character == "*":
            kind, piece, at = _stars(pattern, at)
        elif character == "?":
            kind, piece = "", "[^/]"
        elif character == "[" and "]" in pattern[at + 1 :]:
            end = pattern.index("]", at + 1)
            kind, piece = "", _character_class(pattern[at:end])
            at = end + 1
        elif character == "\\" and at < len(pattern):
            kind, piece = "", re.escape(pattern[at])
            at += 1
        else:
            kind, piece = "", re.escape(character)
        pieces.append((kind, piece))
    return pieces


def _stars(pattern: str, at: int) -> tuple[str, str, int]:
    """What follows a star: another one spans directories, and takes the slash after it; more change nothing."""
    if pattern[at : at + 1] != "*":
        return "names", "[^/]*", at
    while pattern[at : at + 1] == "*":
        at += 1
    if pattern[at : at + 1] == "/":
        return "directories", "(?:.*/)?", at + 1
    return "all", ".*", at


def _character_class(content: str) -> str:
    """What stands between brackets: characters and ranges, or all but those; never a slash."""
    negated = content.startswith(("^", "!"))
    content = content[1:] if negated else content
    items = ""
    at = 0
    while at < len(content):
        first, last = content[at], content[at]
        if content[at + 1 : at + 2] == "-" and at + 2 < len(content):
            last = content[at + 2]
            at += 2
        if first <= last:
            items += f"{re.escape(first)}-{re.escape(last)}"
        at += 1
    if not items:
        return "[^/]" if negated else "(?!)"
    return f"(?!/)[{'^' if negated else ''}{items}]"
