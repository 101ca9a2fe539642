import resource

import pytest

from engine import capabilities, rlimits, seccomp_rules
from engine.errors import StartError
from engine.seccomp_rules import Condition, Rule


def test_eleven_capabilities_by_default() -> None:
    assert f"{capabilities.mask(capabilities.allowed((), ())):x}" == "800405fb"


@pytest.mark.parametrize(
    ("added", "dropped", "kept"),
    [
        (("NET_ADMIN",), (), capabilities.DEFAULT | {"NET_ADMIN"}),
        ((), ("cap_chown",), capabilities.DEFAULT - {"CHOWN"}),
        ((), ("ALL",), frozenset()),
        (("CAP_KILL",), ("ALL",), {"KILL"}),
        (("ALL",), (), frozenset(capabilities.NAMES)),
        (("all",), ("SYS_ADMIN",), frozenset(capabilities.NAMES) - {"SYS_ADMIN"}),
        (("ALL",), ("ALL", "SYS_ADMIN"), frozenset(capabilities.NAMES) - {"SYS_ADMIN"}),
    ],
)
def test_capabilities_are_added_and_dropped(
    added: tuple[str, ...], dropped: tuple[str, ...], kept: frozenset[str]
) -> None:
    assert capabilities.allowed(added, dropped) == kept


def test_unknown_capabilities_are_named() -> None:
    with pytest.raises(StartError, match="there is no capability 'NET_ADMIM'"):
        capabilities.allowed(("NET_ADMIM",), ())


def test_limits_stay_below_the_hosts_own() -> None:
    wanted = rlimits.Limit(resource.RLIMIT_NOFILE, 65536, 524288)
    assert rlimits.bounded(wanted, rlimits.INFINITY) == (65536, 524288)
    assert rlimits.bounded(wanted, 100000) == (65536, 100000)
    assert rlimits.bounded(wanted, 20000) == (20000, 20000)
    boundless = rlimits.Limit(resource.RLIMIT_NPROC, rlimits.INFINITY, rlimits.INFINITY)
    assert rlimits.bounded(boundless, rlimits.INFINITY) == (rlimits.INFINITY, rlimits.INFINITY)
    assert rlimits.bounded(boundless, 500) == (500, 500)


def _answers(call: str, allowed: frozenset[str]) -> set[tuple[int, tuple[Condition, ...]]]:
    return {(rule.error, rule.conditions) for rule in seccomp_rules.rules(allowed) if rule.call == call}


def test_mounting_takes_a_capability_and_reading_takes_none() -> None:
    assert _answers("read", frozenset()) == {(0, ())}
    assert _answers("mount", capabilities.DEFAULT) == {(1, ())}
    assert _answers("mount", frozenset({"SYS_ADMIN"})) == {(0, ())}


def test_some_calls_are_for_nobody() -> None:
    everything = frozenset(capabilities.NAMES)
    for call in ("bpf", "keyctl", "kexec_load", "perf_event_open", "userfaultfd"):
        assert _answers(call, everything) == {(1, ())}
    for call in ("clone3", "io_uring_setup", "socketcall", "modify_ldt"):
        assert _answers(call, everything) == set()


def test_no_call_is_decided_twice_without_conditions() -> None:
    for allowed in (frozenset[str](), capabilities.DEFAULT, frozenset(capabilities.NAMES)):
        plain = [rule.call for rule in seccomp_rules.rules(allowed) if not rule.conditions]
        assert sorted(plain) == sorted(set(plain))


def test_user_namespaces_are_for_nobody() -> None:
    for allowed in (capabilities.DEFAULT, frozenset(capabilities.NAMES)):
        rules = seccomp_rules.rules(allowed)
        for call in ("clone", "unshare"):
            assert Rule(call, 1, (Condition(0, "masked", 0x10000000, 0x10000000),)) in rules
