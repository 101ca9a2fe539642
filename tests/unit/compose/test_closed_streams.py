"""A caller that has closed our standard streams."""

import subprocess
import sys


def test_closed_standard_streams_cost_no_traceback() -> None:
    shell = '"$0" -m compose.cli version >&-; out=$?; "$0" -m compose.cli version >/dev/null 2>&- <&-; echo $out $?'
    done = subprocess.run(["sh", "-c", shell, sys.executable], check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("0 0\n", "")
