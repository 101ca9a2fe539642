"""`windlass doctor`."""

import sys
from typing import Annotated

import msgspec

from compose.cli import failures
from compose.cli.choices import one_of
from compose.cli.options import Option
from compose.cli.session import Session
from compose.doing.checkup import Finding, examine
from compose.doing.machine import look

COLORS = {"ok": "\x1b[32m", "advice": "\x1b[33m", "missing": "\x1b[31m"}


def command(
    session: Session,
    *,
    output: Annotated[str, Option("--format", tells="text or json.")] = "text",
) -> int:
    """Tells what this machine offers, what is missing, how to mend it; 1 if something essential is missing."""
    one_of("--format", output, ("text", "json"))
    findings = examine(look(session.layout))
    if output == "json":
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(findings), indent=2).decode() + "\n")
    else:
        sys.stdout.write(findings_text(findings, color=session.color(sys.stdout)))
    return failures.WRONG if any(finding.state == "missing" for finding in findings) else 0


def findings_text(findings: tuple[Finding, ...], *, color: bool) -> str:
    """One line a finding; for what is not right also why it matters, and what to do."""
    width = max(len(finding.subject) for finding in findings)
    lines = []
    for finding in findings:
        word = finding.state.ljust(7)
        shown = f"{COLORS[finding.state]}{word}\x1b[0m" if color else word
        lines.append(f"{shown}  {finding.subject.ljust(width)}  {finding.found}")
        if finding.state != "ok":
            lines.extend((f"{'':9}why: {finding.why}", f"{'':9}mend: {finding.mend}"))
    return "".join(f"{line}\n" for line in lines)
