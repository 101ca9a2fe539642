"""What `${name#pattern}`, `${name%pattern}` and `${name/pattern/text}` leave of a value."""

import re


def trimmed(value: str, operator: str, pattern: str) -> str:
    """The value without the beginning (#, ##) or the end (%, %%) that fits; doubled takes the longest one."""
    greedy = len(operator) == 2
    body = _regex(pattern, greedy=greedy)
    if operator.startswith("#"):
        return re.sub(rf"\A(?:{body})", "", value, count=1, flags=re.DOTALL)
    if greedy:
        return re.sub(rf"(?:{body})\Z", "", value, count=1, flags=re.DOTALL)
    for start in range(len(value), -1, -1):
        if re.fullmatch(body, value[start:], re.DOTALL):
            return value[:start]
    return value


def replaced(value: str, pattern: str, replacement: str, *, everywhere: bool) -> str:
    """The value with the longest first match replaced, or every one."""
    regex = _regex(pattern, greedy=True)
    return re.sub(regex, lambda _found: replacement, value, count=0 if everywhere else 1, flags=re.DOTALL)


def _regex(pattern: str, *, greedy: bool) -> str:
    result = ""
    characters = iter(pattern)
    for character in characters:
        if character == "*":
            result += ".*" if greedy else ".*?"
        elif character == "?":
            result += "."
        elif character == "\\":
            result += re.escape(next(characters, "\\"))
        else:
            result += re.escape(character)
    return result
