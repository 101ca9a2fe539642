"""Values of options that must be one of a few words."""

from collections.abc import Mapping

from compose.errors import UsageError

PULL_WORDS = ("always", "missing", "never", "build")


def one_of(option: str, value: str, known: tuple[str, ...]) -> str:
    """The value; raises UsageError when it is none of the known ones."""
    if value not in known:
        raise UsageError(f"{option} {value}: no such choice", hint=f"choose one of: {', '.join(known)}")
    return value


def one_at_most(given: Mapping[str, bool]) -> None:
    """Refuses options that exclude each other; `given` says of each whether it was typed."""
    typed = [option for option, is_given in given.items() if is_given]
    if len(typed) > 1:
        raise UsageError(f"{' and '.join(typed)} cannot be combined", hint="leave one of them out")
