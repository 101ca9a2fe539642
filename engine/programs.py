"""Runs programs of the host. The one place that imports subprocess.

A program is looked up in a fixed PATH and gets a fixed environment: neither an image's nor a user's variables ever
reach a program that runs with our privileges.
"""

# ruff: noqa: TID251 -- this module is the door that the ban points to

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from engine.errors import EngineError

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
FIXED_ENVIRONMENT: Mapping[str, str] = MappingProxyType(
    {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
)

_PACKAGES = {
    "debootstrap": "debootstrap",
    "mmdebstrap": "mmdebstrap",
    "nft": "nftables",
    "pasta": "passt",
    "ps": "procps",
    "tar": "tar",
    "tini-static": "tini",
}
_QUOTED_CHARACTERS = 2000


def find(program: str) -> str:
    """Returns the absolute path of a program of the host; EngineError names the package that has it."""
    found = shutil.which(program, path=PATH)
    if found is None:
        package = _PACKAGES.get(program, program)
        raise EngineError(f"the program {program} is missing on this host", hint=f"install the package {package}")
    return found


def run(
    argv: Sequence[str],
    *,
    stdin: bytes = b"",
    environment: Mapping[str, str] = FIXED_ENVIRONMENT,
    on_line: Callable[[str], None] | None = None,
) -> bytes:
    """Runs a program to its end and returns its output; EngineError with its last words when it fails.

    `on_line` is given what it says on its error stream, line by line, while it runs.
    """
    command = [find(argv[0]), *argv[1:]]
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as output:
        given.write(stdin)
        given.seek(0)
        said: list[str] = []
        with subprocess.Popen(
            command,
            stdin=given,
            stdout=output,
            stderr=subprocess.PIPE,
            env=dict(environment),
            cwd="/",
        ) as process:
            try:
                for raw in process.stderr or ():
                    line = raw.decode(errors="replace").rstrip("\r\n")
                    said.append(line)
                    if on_line is not None:
                        on_line(line)
                status = process.wait()
            except BaseException:
                process.kill()
                if process.stderr:
                    process.stderr.read()  # to its end: whatever the program had started is gone, too
                raise
        if status != 0:
            words = "\n".join(said)[-_QUOTED_CHARACTERS:].strip()
            ending = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
            raise EngineError(f"{argv[0]} {ending}" + (f": {words}" if words else ""))
        output.seek(0)
        return output.read()
