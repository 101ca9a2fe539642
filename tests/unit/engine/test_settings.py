"""Decisions on settings of the kernel, devices and profiles of system calls."""

import pytest

from engine import device_filter, seccomp_profile, sysctls
from engine.cgroup_files import cgroup_files
from engine.seccomp_rules import Condition, Rule
from engine.spec import Limits


@pytest.mark.parametrize(
    ("name", "path", "owner"),
    [
        ("net.core.somaxconn", "net/core/somaxconn", "network"),
        ("net/ipv4/ip_forward", "net/ipv4/ip_forward", "network"),
        ("net.ipv4.conf.eth0/1.forwarding", "net/ipv4/conf/eth0.1/forwarding", "network"),
        ("net/ipv4/conf/eth0.1/forwarding", "net/ipv4/conf/eth0.1/forwarding", "network"),
        ("kernel.shmmax", "kernel/shmmax", "ipc"),
        ("fs.mqueue.msg_max", "fs/mqueue/msg_max", "ipc"),
        ("kernel.core_pattern", "kernel/core_pattern", ""),
        ("net/../kernel/core_pattern", "net/../kernel/core_pattern", ""),
        ("vm.swappiness", "vm/swappiness", ""),
    ],
)
def test_settings_of_the_kernel_have_an_owner(name: str, path: str, owner: str) -> None:
    assert (sysctls.path(name), sysctls.owner(name)) == (path, owner)


def _allowed(rules: tuple[str, ...], kind: int, access: int, major: int, minor: int) -> bool:
    """Runs the program as the kernel would."""
    code = device_filter.program(rules)
    registers = [0] * 11
    context = {0: access << 16 | kind, 4: major, 8: minor}
    at = 0
    while True:
        operation, both, offset, value = device_filter._INSTRUCTION.unpack_from(code, at * 8)
        register, other = both & 15, both >> 4
        at += 1
        match operation:
            case 0x61:
                registers[register] = context[offset]
            case 0x54:
                registers[register] &= value
            case 0x74:
                registers[register] >>= value
            case 0xBC:
                registers[register] = registers[other]
            case 0xB7:
                registers[register] = value
            case 0x55:
                at += offset if registers[register] != value else 0
            case 0x5D:
                at += offset if registers[register] != registers[other] else 0
            case 0x95:
                return registers[0] == 1


READ, WRITE, MAKE, BLOCK, CHARACTER = 2, 4, 1, 1, 2


@pytest.mark.parametrize(
    ("rules", "use", "allowed"),
    [
        ((), (CHARACTER, READ | WRITE, 1, 3), True),
        ((), (CHARACTER, READ, 1, 1), False),
        ((), (BLOCK, READ, 1, 3), False),
        (("b 8:0 r",), (BLOCK, READ, 8, 0), True),
        (("b 8:0 r",), (BLOCK, WRITE, 8, 0), False),
        (("b 8:0 r",), (BLOCK, READ | WRITE, 8, 0), False),
        (("b 8:0 r",), (BLOCK, READ, 8, 1), False),
        (("b 8:* rw",), (BLOCK, READ | WRITE, 8, 7), True),
        (("b 8:* rw",), (BLOCK, MAKE, 8, 7), False),
        (("b 8:0 r", "c 13:* rwm"), (CHARACTER, READ | WRITE | MAKE, 13, 64), True),
        (("a",), (BLOCK, READ | WRITE | MAKE, 99, 99), True),
        (("a *:* rwm",), (CHARACTER, READ, 99, 99), True),
    ],
)
def test_a_program_decides_which_devices_may_be_used(
    rules: tuple[str, ...], use: tuple[int, int, int, int], *, allowed: bool
) -> None:
    assert _allowed(rules, *use) is allowed


@pytest.mark.parametrize("text", ["", "c", "c 1:3", "c 1:3 x", "x 1:3 r", "c 1 r", "c 1:3 rwmr"])
def test_what_is_no_rule_for_devices_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write the type, the numbers and the access"):
        device_filter.check(text)


PROFILE = """{
  "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
  "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]}],
  "syscalls": [
    {"names": ["read", "write"], "action": "SCMP_ACT_ALLOW"},
    {"names": ["mount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
    {"names": ["mount"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1, "excludes": {"caps": ["CAP_SYS_ADMIN"]}},
    {"names": ["never"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "99.0"}},
    {"names": ["clone"], "action": "SCMP_ACT_ALLOW",
     "args": [{"index": 0, "value": 2114060288, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]},
    {"names": ["personality"], "action": "SCMP_ACT_KILL_PROCESS",
     "args": [{"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}, {"index": 0, "value": 9, "op": "SCMP_CMP_GE"}]}
  ]}"""


def test_a_profile_says_what_happens_to_each_call() -> None:
    decided = seccomp_profile.decide(PROFILE, frozenset())
    assert decided.default == Rule("", 38)
    assert decided.rules == (
        Rule("read"),
        Rule("write"),
        Rule("mount", 1),
        Rule("clone", 0, (Condition(0, "masked", 0, 2114060288),)),
        Rule("personality", 0, (Condition(0, "equal", 8),), "kill process"),
        Rule("personality", 0, (Condition(0, "at least", 9),), "kill process"),
    )
    assert Rule("mount") in seccomp_profile.decide(PROFILE, frozenset({"SYS_ADMIN"})).rules


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Input data was truncated"),
        ("[]", "Expected `object`, got `array`"),
        ("{}", "missing required field `defaultAction`"),
        (
            """{"defaultAction": "SCMP_ACT_LOG", "syscalls": [{"names": ["a"], "action": "SCMP_ACT_LOG",
             "args": [{"index": 7, "value": 1, "op": "SCMP_CMP_EQ"}]}]}""",
            "a system call has no argument 7",
        ),
    ],
)
def test_what_is_no_profile_says_why(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        seccomp_profile.check(text)


def test_shares_of_both_versions() -> None:
    limits = Limits(memory_bytes=100, swap_bytes=150, memory_reservation_bytes=50, swappiness=5, cpu_shares=1024)
    assert cgroup_files(limits, 1, 32768) == {
        "memory.limit_in_bytes": "100",
        "memory.memsw.limit_in_bytes": "150",
        "memory.soft_limit_in_bytes": "50",
        "memory.swappiness": "5",
        "cpu.shares": "1024",
        "pids.max": "8192",
    }
    assert cgroup_files(limits, 2, 32768) == {
        "memory.max": "100",
        "memory.swap.max": "50",
        "memory.low": "50",
        "cpu.weight": "39",
        "pids.max": "8192",
    }


def test_a_quota_and_a_period_are_one_bound() -> None:
    assert cgroup_files(Limits(cpu_quota_us=5000), 2, 32768)["cpu.max"] == "5000 100000"
    assert cgroup_files(Limits(cpu_period_us=5000), 2, 32768)["cpu.max"] == "max 5000"
    both = cgroup_files(Limits(cpu_quota_us=5000, cpu_period_us=10000), 1, 32768)
    assert (both["cpu.cfs_quota_us"], both["cpu.cfs_period_us"]) == ("5000", "10000")


def test_swap_without_end() -> None:
    assert cgroup_files(Limits(memory_bytes=100, swap_bytes=-1), 2, 32768)["memory.swap.max"] == "max"
    assert cgroup_files(Limits(memory_bytes=100, swap_bytes=-1), 1, 32768)["memory.memsw.limit_in_bytes"] == "-1"
