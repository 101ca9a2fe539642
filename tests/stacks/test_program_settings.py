"""What services let their programs do and take, seen from inside their containers."""

from collections.abc import Callable

import pytest

from tests.stacks.product import Windlass

pytestmark = pytest.mark.root

Project = Callable[..., Windlass]


def run(windlass: Windlass, service: str, script: str) -> str:
    return windlass("exec", "-T", service, "sh", "-c", script).stdout


SETTINGS = """
services:
  tool:
    image: localhost/bb:1
    command: sleep 1000
    init: true
    ulimits: {nofile: {soft: 321, hard: 654}, nproc: 99}
    group_add: ["4321"]
    sysctls: {net.core.somaxconn: 777}
    oom_score_adj: 500
    security_opt: ["no-new-privileges:true", "seccomp=profile.json"]
    devices: ["/dev/fuse:/dev/mine:r"]
    cpu_shares: 512
    cpuset: "0"
    tty: true
    stdin_open: true
"""
PROFILE = """{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
    {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95}]}"""


def test_programs_that_are_run_inside_find_what_the_file_says(project: Project) -> None:
    windlass = project(SETTINGS)
    (windlass.directory / "profile.json").write_text(PROFILE)
    windlass("up", "-d")
    script = (
        "ulimit -Sn; ulimit -Hn; ulimit -u; id -G; cat /proc/sys/net/core/somaxconn /proc/1/oom_score_adj; "
        "grep NoNewPrivs /proc/1/status; mkdir /x 2>&1; grep Cpus_allowed_list /proc/1/status; readlink /proc/1/fd/0"
    )
    assert run(windlass, "tool", script).splitlines() == [
        "321",
        "654",
        "99",
        "0 4321",
        "777",
        "500",
        "NoNewPrivs:\t1",
        "mkdir: can't create directory '/x': Operation not supported",
        "Cpus_allowed_list:\t0",
        "/dev/pts/0",
    ]
    assert run(windlass, "tool", "true </dev/mine && echo read; true 2>&1 >/dev/mine || echo kept").startswith("read\n")
    assert "tool" in windlass("up", "-d").stderr
    plan = windlass("plan").stdout
    assert "create" not in plan


SIDECAR = """
services:
  app: {image: localhost/bb:1, command: sleep 1000, stop_grace_period: 0s, environment: {VALUE: "one"}}
  side: {image: localhost/bb:1, command: sleep 1000, init: true, pid: "service:app", ipc: "service:app"}
  host: {image: localhost/bb:1, command: sleep 1000, init: true, privileged: true, pid: host}
"""


def test_a_sidecar_sees_the_processes_of_its_partner_and_is_made_anew_with_it(project: Project) -> None:
    windlass = project(SIDECAR)
    plan = windlass("plan").stdout
    assert "privileged; shares the host's pid" in plan
    windlass("up", "-d")
    ids = {name: each["ID"] for name, each in windlass.ps().items()}
    assert run(windlass, "side", "cat /proc/1/cmdline") == "sleep\x001000\x00"
    assert run(windlass, "app", "echo hello >/dev/shm/said; readlink /proc/self/ns/pid") == run(
        windlass, "side", "readlink /proc/self/ns/pid"
    )
    assert run(windlass, "side", "cat /dev/shm/said") == "hello\n"
    file = windlass.directory / "compose.yaml"
    file.write_text(file.read_text().replace('"one"', '"two"'))
    windlass("up", "-d")
    after = {name: each["ID"] for name, each in windlass.ps().items()}
    assert {name for name in ids if ids[name] != after[name]} == {"boat-app-1", "boat-side-1"}
    assert run(windlass, "app", "readlink /proc/self/ns/pid") == run(windlass, "side", "readlink /proc/self/ns/pid")
