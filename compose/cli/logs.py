"""`windlass logs`."""

import sys
import time
from collections.abc import Iterable
from typing import Annotated

from compose.cli.choices import one_of
from compose.cli.chosen import choose
from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.doing.observe import containers
from compose.errors import UsageError
from compose.showing.logfilter import LineFilter, pattern
from compose.showing.logjson import JsonLog
from compose.showing.loglines import Prefixes, loss_text
from compose.showing.moments import moment
from compose.terminal.attachment import Attachment
from compose.terminal.foreground import Foreground
from engine.layout import StackLayout
from engine.logreader import Run, merge, read_runs
from engine.logstore import stamp_of
from engine.state import ALIVE, ContainerRecord

FORMATS = ("", "text", "json")


def command(
    session: Session,
    services: Annotated[list[str] | None, Argument("Only these services.")] = None,
    *,
    follow: Annotated[bool, Option("--follow", "-f", tells="Go on until the containers end.")] = False,
    tail: Annotated[str, Option("--tail", "-n", tells="The last lines of each container, or all.")] = "all",
    timestamps: Annotated[bool, Option("--timestamps", "-t", tells="When each line was written.")] = False,
    since: Annotated[str, Option("--since", tells="Not before: a time, or so long ago (10m).")] = "",
    until: Annotated[str, Option("--until", tells="Only before: a time, or so long ago.")] = "",
    index: Annotated[int, Option("--index", tells="Which container of the service.")] = 0,
    grep: Annotated[str, Option("--grep", tells="Only lines that this regular expression fits.")] = "",
    output: Annotated[str, Option("--format", tells="text or json.")] = "",
    as_json: Annotated[bool, Option("--json", tells="The same as --format json.")] = False,
    raw: Annotated[bool, Option("--raw", tells="Control sequences as they are, on a terminal, too.")] = False,
    no_color: Annotated[bool, Option("--no-color", tells="Prefixes without colours.")] = False,
    no_log_prefix: Annotated[bool, Option("--no-log-prefix", tells="No prefixes.")] = False,
) -> int:
    """Shows the output of the containers, in the order of time, whether a supervisor lives or not."""
    session.require_root()
    now_ns = time.time_ns()
    shown = LineFilter(
        matching=pattern(grep) if grep else None,
        since=stamp_of(moment("--since", since, now_ns=now_ns)) if since else b"",
        until=stamp_of(moment("--until", until, now_ns=now_ns)) if until else None,
        on_terminal=sys.stdout.isatty() and not raw,
    )
    as_json = one_of("--format", output, FORMATS) == "json" or as_json
    place = session.stack_layout()
    chosen = _numbered(choose(session, containers(place), services or ()), services or [], index)
    for record in chosen:
        if not record.spec.log.kept:
            session.warn(f"{record.spec.name} keeps no logs: its logging driver is 'none'")
        elif record.state.dropped_bytes:
            session.warn(loss_text(record))
    form: Prefixes | JsonLog = JsonLog({record.spec.name: record.spec.service for record in chosen})
    if not as_json:
        names = [record.spec.name for record in chosen]
        color = session.color(sys.stdout) and not no_color
        form = Prefixes(place.name, names, color=color, shown=not no_log_prefix)
    if follow and not until and any(record.state.status in ALIVE for record in chosen):
        attachment = Attachment(
            place,
            form,
            relay=False,
            timestamps=timestamps,
            services=services or (),
            names=[record.spec.name for record in chosen] if index else (),
            shown=shown,
        )
        return _follow(place, attachment, chosen, _count(tail), session)
    runs = merge((record.spec.name, _runs(place, record, shown, _count(tail))) for record in chosen)
    _print(runs, form, shown, timestamps=timestamps)
    return 0


def _numbered(chosen: list[ContainerRecord], services: list[str], index: int) -> list[ContainerRecord]:
    """The container with the number that `--index` names, or all."""
    if not index:
        return chosen
    if len(services) != 1:
        raise UsageError("--index needs one service", hint="windlass logs --index 2 web")
    numbered = [record for record in chosen if record.spec.number == index]
    if not numbered:
        raise UsageError(f"service {services[0]} has no container {index}", hint="`windlass ps -a` lists them")
    return numbered


def _runs(place: StackLayout, record: ContainerRecord, shown: LineFilter, tail: int | None) -> Iterable[Run]:
    return read_runs(place.data(record.spec.id), tail=tail, since=shown.since, until=shown.until)


def _follow(
    place: StackLayout, attachment: Attachment, chosen: list[ContainerRecord], tail: int | None, session: Session
) -> int:
    """Shows what there is, then what comes, until all containers have ended or Ctrl-C."""
    with (
        session.connection(place) as connection,
        Foreground(connection, attachment, say=session.tell, open_progress=session.progress) as foreground,
    ):
        foreground.follow(chosen, tail=tail)
        return foreground.watch()


def _count(text: str) -> int | None:
    """How many lines `--tail` asks for; None for all, as for any negative number."""
    if text == "all" or text.removeprefix("-").isdigit() > text.isdigit():
        return None
    if not text.isdigit():
        raise UsageError(f"--tail {text}: neither a number of lines nor 'all'", hint="for example --tail 20")
    return int(text)


def _print(runs: Iterable[tuple[str, Run]], form: Prefixes | JsonLog, shown: LineFilter, *, timestamps: bool) -> None:
    write = sys.stdout.buffer.write
    for name, run in runs:
        lines = shown.lines(run)
        if lines is not None:
            write(form.text(name, run, lines, stamped=timestamps))
    sys.stdout.buffer.flush()
