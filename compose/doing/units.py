"""Says what systemd has to know of a stack that comes back after a boot."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

WANTED_BY = "multi-user.target.wants"


class Installation(NamedTuple):
    """How this windlass is called: the interpreter, where its packages lie, its two roots."""

    python: str
    packages: str
    run: Path
    data: Path


def unit_name(stack: str) -> str:
    """What the stack's unit is called."""
    return f"windlass-{stack}.service"


def unit_text(stack: str, installation: Installation, pid_file: Path) -> str:
    """The stack's unit: systemd.service(5).

    The supervisor is the main process, so that systemd starts the stack's restore again when somebody kills it. Only
    that process is systemd's to end: containers are stopped by windlass, in their order.
    """
    call = f"{quoted(installation.python)} -m compose.cli"
    roots = (f"WINDLASS_RUN_ROOT={installation.run}", f"WINDLASS_DATA_ROOT={installation.data}")
    lines = (
        "[Unit]",
        f"Description=Stack {stack} of windlass",
        "After=network-online.target local-fs.target nftables.service",
        "Wants=network-online.target",
        f"RequiresMountsFor={quoted(str(installation.data))}",
        "StartLimitIntervalSec=60",
        "StartLimitBurst=10",
        "",
        "[Service]",
        "Type=forking",
        f"Environment={_words((f'PYTHONPATH={installation.packages}', 'PYTHONSAFEPATH=1', *roots))}",
        f"ExecStart={call} restore {stack}",
        # Without a main process there was no wish to stop: its supervisor was killed, the containers go on.
        f"""ExecStop=/bin/sh -c 'test -z "$$MAINPID" || exec {call} -p {stack} stop'""",
        f"PIDFile={str(pid_file).replace('%', '%%')}",
        "KillMode=process",
        "Restart=on-failure",
        "RestartSec=1",
        "TimeoutStartSec=infinity",
        "TimeoutStopSec=infinity",
        "Delegate=yes",
        "TasksMax=infinity",
        "",
        "[Install]",
        "WantedBy=multi-user.target",
    )
    return "".join(f"{line}\n" for line in lines)


def quoted(word: str) -> str:
    """One word of a unit's command line (systemd.syntax(7), systemd.service(5)): neither specifier nor variable."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if escaped != word or any(mark.isspace() for mark in word) else word


def _words(words: Sequence[str]) -> str:
    """Assignments of Environment=, where a dollar sign means itself."""
    return " ".join('"' + word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%") + '"' for word in words)
