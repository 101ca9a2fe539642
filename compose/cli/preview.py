"""Shows a plan instead of carrying it out."""

import sys
from pathlib import Path

from compose.cli.session import Session
from compose.cli.texts import printable
from compose.deciding.options import Options
from compose.deciding.steps import Plan
from compose.doing.preflight import taken_ports
from compose.doing.survey import observe
from compose.doing.up import decide
from compose.showing.plan_text import plan_json, plan_text


def show(session: Session, options: Options, *, build: bool, output: str = "text", out: str = "") -> Plan:
    """Prints the plan for these options, keeps it in the file `out` if that is named."""
    session.require_root()
    stack = session.startable_stack(services=options.services)
    place = session.layout.stack(stack.name)
    observed = observe(place)
    found = decide(stack, session.layout, observed, options, build=build)
    if out:
        from compose.showing.plan_files import write_plan  # noqa: PLC0415 - only here

        write_plan(Path(out), found, stack.directory, options, build=build)
    if output == "json":
        import json  # noqa: PLC0415 - only here

        sys.stdout.write(json.dumps(plan_json(found), indent=2) + "\n")
        return found
    for warning in found.warnings:
        session.warn(warning)
    for problem in taken_ports(stack, found, observed, place):
        session.warn(printable(str(problem)), printable(problem.hint), problem.code)
    sys.stdout.write(plan_text(found))
    return found
