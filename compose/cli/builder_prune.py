"""`windlass builder prune`."""

import sys
import time
from typing import Annotated

from compose.cli.options import Option
from compose.cli.questions import is_sure
from compose.cli.session import Session
from compose.errors import UsageError
from compose.grammar.quantities import size_bytes
from compose.showing.moments import moment
from compose.times import size_text
from engine.housekeeping.cleaning import Limits, prune_builds

_ANY_SIZE = 1 << 62


def command(
    session: Session,
    *,
    everything: Annotated[
        bool, Option("--all", "-a", tells="Steps, too, whose files images have: the next build does all anew.")
    ] = False,
    filters: Annotated[list[str] | None, Option("--filter", tells="until=24h: not of use for so long.")] = None,
    keep_storage: Annotated[str, Option("--keep-storage", "--max-used-space", tells="Keep so much (10GB).")] = "",
    force: Annotated[bool, Option("--force", "-f", tells="Do not ask.")] = False,
) -> None:
    """Removes what builds have kept and no image has."""
    session.refuse_dry_run("builder prune")
    session.require_root()
    limits = _limits(filters or [], keep_storage)
    what = "all that builds have kept" if everything else "what builds have kept and no image has"
    if not force and not is_sure(session, f"This will remove {what}."):
        return

    def tell() -> None:
        session.tell_wait("other work on images")

    _, freed = prune_builds(session.layout, limits, everything=everything, on_wait=tell)
    sys.stdout.write(f"Total:\t{size_text(freed)}\n")


def _limits(filters: list[str], keep_storage: str) -> Limits:
    """What stays: nothing, unless an option says how much of it, or how long."""
    limits = Limits(largest_bytes=0)
    for text in filters:
        key, equals, value = text.partition("=")
        if key not in {"until", "unused-for"} or not equals:
            raise UsageError(f"--filter {text}: no such filter", hint="write until=24h")
        since_ns = moment(f"--filter {key}", value, now_ns=time.time_ns())
        limits = Limits(largest_bytes=_ANY_SIZE, used_since_ns=max(limits.used_since_ns, since_ns))
    if keep_storage:
        try:
            limits = limits._replace(largest_bytes=size_bytes(keep_storage))
        except ValueError as error:
            raise UsageError(f"--keep-storage {error}", hint="write 10GB") from None
    return limits
