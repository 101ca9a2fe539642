"""Rows of words as an aligned table."""

from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest word, three spaces apart; ends with a newline."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "".join(
        "   ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip() + "\n"
        for line in lines
    )


def aligned(texts: Sequence[str]) -> str:
    """The same for lines of text with tabs between their columns, as many as each has."""
    lines = [line.split("\t") for text in texts for line in text.split("\n")]
    widths = [
        max((len(line[column]) for line in lines if column < len(line) - 1), default=0)
        for column in range(max(map(len, lines), default=0))
    ]
    padded = (
        [word.ljust(width + 3) for word, width in zip(line, widths[: len(line) - 1], strict=False)] for line in lines
    )
    return "".join(f"{''.join([*words, line[-1]]).rstrip()}\n" for words, line in zip(padded, lines, strict=True))
