"""Machines on which something is missing or cannot be written: a clear refusal, `doctor` tells, nothing is left."""

import subprocess
from collections.abc import Callable

import pytest

from tests.stacks.product import Windlass

FILE = """
services:
  web:
    image: localhost/bb:1
    command: [sleep, "1000"]
    stop_signal: SIGKILL
    mem_limit: 50m
"""
HIDE_LIBRARY = """
place=$(dirname $(realpath /usr/lib/*-linux-*/{name}))
mount -t tmpfs none /mnt
mkdir /mnt/upper /mnt/work
for file in $place/{name}*; do mknod /mnt/upper/$(basename $file) c 0 0; done
mount -t overlay -o lowerdir=$place,upperdir=/mnt/upper,workdir=/mnt/work none $place
"""


def beside(boat: Windlass, script: str, *words: str) -> "subprocess.CompletedProcess[str]":
    """Runs windlass where the script has changed what it sees of the machine; nobody else sees that."""
    return subprocess.run(
        ["unshare", "-m", "sh", "-e", "-c", f'{script}\nexec "$@"', "sh", *boat.argv(*words)],
        cwd=boat.directory,
        env=boat.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("mount -t tmpfs none /sys/fs/cgroup", "cgroup"),
        ("mount -t tmpfs -o ro,mode=700 none $WINDLASS_RUN_ROOT", "Read-only file system"),
        ("mount -t tmpfs -o ro,mode=700 none $WINDLASS_DATA_ROOT", "Read-only file system"),
        (HIDE_LIBRARY.format(name="libseccomp.so.2"), "libseccomp"),
    ],
    ids=["no control groups", "run root read-only", "data root read-only and empty", "no libseccomp"],
)
def test_up_says_what_is_missing(project: Callable[..., Windlass], script: str, told: str) -> None:
    boat = project(FILE)
    done = beside(boat, script, "up", "-d")
    assert done.returncode == 1, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    boat("down")


@pytest.mark.parametrize(
    ("script", "subject"),
    [
        (HIDE_LIBRARY.format(name="libseccomp.so.2"), "libseccomp"),
        (HIDE_LIBRARY.format(name="libnftables.so.1"), "libnftables"),
    ],
    ids=["no libseccomp", "no libnftables"],
)
def test_doctor_names_it(project: Callable[..., Windlass], script: str, subject: str) -> None:
    boat = project(FILE)
    (line,) = [line for line in beside(boat, script, "doctor").stdout.splitlines() if subject in line][:1]
    assert " ok " not in f" {line} "
