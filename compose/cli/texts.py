"""Text of somebody else's making, made harmless for a terminal."""


def printable(text: str) -> str:
    """The text, with everything that a terminal would obey instead of showing as its escape."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each == "\n" else repr(each)[1:-1] for each in text)
