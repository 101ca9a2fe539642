"""Guesses what a misspelt word was meant to be."""

from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str], *, similarity: float = 0.6) -> str:
    """A hint that names the most similar known word; empty when none is similar (from 0: not at all, to 1: equal)."""
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistake needs it

    by_plain_form = {each.lower().replace("-", "_"): each for each in known}
    close = get_close_matches(word.lower().replace("-", "_"), by_plain_form, n=1, cutoff=similarity)
    return f"did you mean '{by_plain_form[close[0]]}'?" if close else ""
