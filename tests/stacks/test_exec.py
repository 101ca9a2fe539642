"""`exec` by pipes: large transfers, ends, privileges."""

import hashlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.stacks.outside import eventually
from tests.stacks.product import Windlass

FILE = "services: {web: {image: localhost/bb:1, command: [sleep, '1000'], stop_signal: SIGKILL}}"
LARGE_BYTES = 200 << 20


def test_a_large_transfer_comes_back_unharmed(project: Callable[..., Windlass], tmp_path: Path) -> None:
    boat = project(FILE)
    boat("up", "-d")
    block = os.urandom(1 << 20)
    (tmp_path / "sent").write_bytes(block * (LARGE_BYTES >> 20))
    with (tmp_path / "sent").open("rb") as sent, (tmp_path / "received").open("wb") as received:
        argv = boat.argv("exec", "-T", "web", "cat")
        subprocess.run(
            argv, cwd=boat.directory, env=boat.environment, stdin=sent, stdout=received, check=True, timeout=100
        )
    digests = {hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in ("sent", "received")}
    assert len(digests) == 1


def test_a_program_reads_and_opens_its_input_again_whatever_its_user(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    assert boat("exec", "-T", "-u", "1000", "web", "cat", "/dev/stdin", text="given").stdout == "given"
    assert boat("exec", "-T", "--interactive=false", "web", "cat", text="given").stdout == ""


def test_a_descendant_that_keeps_the_output_open_is_not_waited_for(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    done = boat("exec", "-T", "web", "sh", "-c", "sleep 999 & echo said; exit 3", status=3, seconds=20)
    assert done.stdout == "said\n"


def test_a_descendant_that_floods_the_output_holds_nobody_up_and_ends(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    script = "(yes; echo $? > /ended) & head -c 1000000 /dev/zero; exit 3"
    done = boat("exec", "-T", "web", "sh", "-c", script, status=3, seconds=20)
    assert len(done.stdout) < 64 << 20
    eventually(
        lambda: boat("exec", "-T", "web", "cat", "/ended", status=None).stdout, "the end of what nobody reads from"
    )


def test_what_outlives_the_container_s_own_program_ends_with_the_container(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    for _ in range(3):
        boat("exec", "-T", "web", "sh", "-c", "trap '' HUP TERM INT; setsid sleep 999 >/dev/null 2>&1 &")
    boat("exec", "-d", "web", "sleep", "998")
    assert boat("top").stdout.count("sleep 99") == 4
    boat("down", seconds=20)


def test_privileged_gives_all_capabilities(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    ordinary, everything = (
        int(boat("exec", *options, "web", "sh", "-c", "grep CapEff /proc/self/status").stdout.split()[1], 16)
        for options in ([], ["--privileged"])
    )
    assert ordinary & everything == ordinary
    assert everything & (1 << 21), "CAP_SYS_ADMIN"
    assert not ordinary & (1 << 21)
