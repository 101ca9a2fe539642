"""The services that files speak of, seen without reading YAML: most files write them in the ordinary way."""

from collections.abc import Iterable


def service_lines(text: str) -> frozenset[str]:
    """The keys of a file's top-level `services:` that stand on lines of their own; others may be missing.

    In block style, only keys can stand exactly as deep as the first one: what belongs to a value stands deeper.
    """
    lines = (line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    if not any(line.rstrip() == "services:" for line in lines):
        return frozenset()
    names, depth = set(), 0
    for line in lines:
        indent = len(line) - len(line.lstrip(" "))
        depth = depth or indent
        if indent < depth:
            break
        name, colon, _ = line.strip().partition(":")
        if indent == depth and colon:
            names.add(name)
    return frozenset(names)


def speak_of(files: Iterable[str], services: Iterable[str]) -> bool:
    """Whether files that can be read have a line for every one of these services."""
    missing = set(services)
    for file in files:
        try:
            with open(file, encoding="utf-8", errors="replace") as stream:  # noqa: PTH123 - pathlib is not needed yet
                missing -= service_lines(stream.read())
        except OSError:
            return False
    return not missing
