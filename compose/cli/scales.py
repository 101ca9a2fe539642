"""How many replicas the command line asks for."""

from compose.errors import UsageError


def scale_of(texts: tuple[str, ...] | list[str]) -> dict[str, int]:
    """The replicas that `--scale SERVICE=NUMBER` asks for."""
    scale: dict[str, int] = {}
    for text in texts:
        name, equals, number = text.partition("=")
        if not (equals and number.isdigit()):
            raise UsageError(f"--scale {text}: not of the form SERVICE=NUMBER", hint="for example --scale web=3")
        scale[name] = int(number)
    return scale
