"""Reads the words of a service's `security_opt`."""

from typing import NamedTuple

_KEYS = ("no-new-privileges", "seccomp", "apparmor", "label", "systempaths", "mask", "unmask")
_FLAGS = {"": True, "true": True, "false": False}


class SecurityOptions(NamedTuple):
    """What the words say together: `seccomp` is a file's path, "unconfined" or empty; `label` as written."""

    no_new_privileges: bool = False
    seccomp: str = ""
    apparmor: str = ""
    labels: tuple[str, ...] = ()
    unmasked: bool = False
    mask: tuple[str, ...] = ()
    unmask: tuple[str, ...] = ()


def security_options(words: tuple[str, ...]) -> SecurityOptions:
    """What valid words say together; of two about one thing the last counts."""
    result = SecurityOptions()
    for word in words:
        key, value = parsed(word)
        if key == "no-new-privileges":
            result = result._replace(no_new_privileges=_FLAGS[value])
        elif key == "seccomp":
            result = result._replace(seccomp="" if value == "builtin" else value)
        elif key == "apparmor":
            result = result._replace(apparmor=value)
        elif key == "label":
            result = result._replace(labels=(*result.labels, value))
        elif key == "mask":
            result = result._replace(mask=(*result.mask, *value.split(":")))
        elif value in ("unconfined", "ALL"):
            result = result._replace(unmasked=True)
        else:
            result = result._replace(unmask=(*result.unmask, *value.split(":")))
    return result


def parsed(word: str) -> tuple[str, str]:
    """One word as (key, value), separated by = or, as in former days, by a colon; ValueError for what is none."""
    at = min((found for mark in "=:" if (found := word.find(mark)) >= 0), default=len(word))
    key, value = word[:at], word[at + 1 :]
    if key not in _KEYS:
        raise ValueError(f"has the unknown option '{key}'")
    if key == "no-new-privileges":
        if value not in _FLAGS:
            raise ValueError(f"has '{value}' where true or false belongs")
    elif not value:
        raise ValueError(f"does not say what {key} should be")
    elif key == "systempaths" and value != "unconfined":
        raise ValueError(f"has '{value}' where only unconfined may stand")
    elif key in ("mask", "unmask") and value != "ALL" and not all(path.startswith("/") for path in value.split(":")):
        raise ValueError("names a path that is not absolute")
    return key, value
