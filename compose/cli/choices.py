"""Values of options that must be one of a few words."""

from compose.errors import UsageError


def one_of(option: str, value: str, known: tuple[str, ...]) -> str:
    """The value; raises UsageError when it is none of the known ones."""
    if value not in known:
        raise UsageError(f"{option} {value}: no such choice", hint=f"choose one of: {', '.join(known)}")
    return value
