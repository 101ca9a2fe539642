"""Questions that are asked before something cannot be had back."""

import sys

from compose.cli.session import Session


def is_sure(session: Session, what: str, *, unasked: str = "--force does it without asking") -> bool:
    """Asks on a terminal; without one, nobody can be asked, and the answer is no: `unasked` says how to do without."""
    session.tell(what)
    if not sys.stdin.isatty():
        session.tell(f"nobody to ask: {unasked}")
        return False
    sys.stderr.write("Are you sure? [yN] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
