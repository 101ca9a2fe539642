"""Reads signals as users write them: by name, with or without SIG, or by number; see signal(7)."""

import contextlib
import signal


def signal_number(name: str) -> int:
    """The number of a signal; ValueError when there is none of that name."""
    upper = name.upper()
    if upper.isdecimal() and 0 < int(upper) < signal.NSIG:
        return int(upper)
    with contextlib.suppress(KeyError):
        return signal.Signals[upper if upper.startswith("SIG") else f"SIG{upper}"]
    base, sign, offset = upper.removeprefix("SIG").partition("+" if "+" in upper else "-")
    if base in {"RTMIN", "RTMAX"} and offset.isdecimal():
        number = signal.Signals[f"SIG{base}"] + (int(offset) if sign == "+" else -int(offset))
        if signal.SIGRTMIN <= number <= signal.SIGRTMAX:
            return number
    raise ValueError(f"there is no signal {name}")
