"""What of a plan failed, as the user sees it."""

import sys

from compose.cli.failures import WRONG, write
from compose.deciding.steps import described
from compose.doing.execute import Happening
from compose.doing.reports import told


def show_failures(failed: tuple[Happening, ...]) -> int:
    """Prints what failed of a plan; returns 127 or 126 where a program is missing or cannot be run, else 1."""
    for happening in failed:
        _, kind, name = described(happening.step.action)
        message = told(happening)
        whose = "" if name in message else f"{kind} {name}: "
        write(sys.stderr, f"{whose}{message}", happening.hint)
    codes = {happening.exit_code for happening in failed}
    return next((code for code in (127, 126) if code in codes), WRONG)
