"""Checks single values of services that Compose lets pass, and that would fail only when a container is made."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from compose import codes
from compose.errors import Problem
from compose.nodes import Node
from compose.quantities import duration_nanoseconds
from compose.spelling import did_you_mean

_USER = re.compile(r"[^\s:]*(:[^\s:]+)?")
_MAC = re.compile(r"[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}")
_CPUSET = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*")
_PERMISSIONS = re.compile(r"[rwm]{1,3}")
_DEVICE_RULE = re.compile(r"[acb] (\d+|\*):(\d+|\*) [rwm]{1,3}")
_LIMITS = ("core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio")
_MORE_LIMITS = ("rttime", "sigpending", "stack")
_IPC_SYSCTLS = frozenset(
    ("msgmax", "msgmnb", "msgmni", "sem", "shmall", "shmmax", "shmmni", "shm_rmid_forced", "auto_msgmni")
)
_SHORTEST_NANOSECONDS = 1_000_000  # of a health check's times, 0 being "as usual"


class _Found(NamedTuple):
    """What is wrong: where below the service, how it goes on behind that path, what to do."""

    node: Node
    path: str
    message: str
    hint: str
    code: str = codes.WRONG_VALUE


def check_values(name: str, service: Node) -> Iterator[Problem]:
    """Everything about the values of one service, in the canonical form of a file, that cannot work."""
    for key, node in service.fields.items():
        check = _CHECKS.get(key)
        if check is not None:
            for found in check(node, service.fields):
                path = f"services.{name}.{key}{found.path}"
                yield Problem(found.node.place, f"{path} {found.message}", found.hint, found.code)


def _user(node: Node, service: Mapping[str, Node]) -> Iterator[_Found]:
    del service
    text = str(node.value)
    if not _USER.fullmatch(text):
        hint = "write a name or an id, and a group behind a colon if one is meant: 1000, postgres, 1000:1000"
        yield _Found(node, "", f"cannot be '{text}'", hint, codes.WRONG_USER)


def _ulimits(node: Node, service: Mapping[str, Node]) -> Iterator[_Found]:
    del service
    for name, limit in node.fields.items():
        known = (*_LIMITS, *_MORE_LIMITS)
        if name not in known:
            hint = did_you_mean(name, known) or f"the limits are {', '.join(known)}"
            yield _Found(
                Node(name, limit.key or limit.place), f".{name}", "is no resource limit", hint, codes.WRONG_LIMIT
            )
        soft, hard = (limit.fields.get(each) for each in ("soft", "hard"))
        if soft and hard and _above(soft.value, hard.value):
            message = f"has the soft limit {soft.value} above the hard one, {hard.value}"
            yield _Found(soft, f".{name}", message, "lower soft, or raise hard", codes.WRONG_LIMIT)


def _above(soft: object, hard: object) -> bool:
    return isinstance(soft, int) and isinstance(hard, int) and hard >= 0 and (soft < 0 or soft > hard)


def _sysctls(node: Node, service: Mapping[str, Node]) -> Iterator[_Found]:
    for name, value in node.fields.items():
        area, _, rest = name.replace("/", ".").partition(".")
        shared = {"net": "network_mode", "kernel": "ipc", "fs": "ipc"}.get(area, "")
        mode = service.get(shared)
        place = Node(name, value.key or value.place)
        if not (area == "net" or (area == "kernel" and rest in _IPC_SYSCTLS) or name.startswith("fs.mqueue.")):
            hint = "only net.*, fs.mqueue.* and System V IPC's kernel.* belong to a container; set others on the host"
            yield _Found(place, f".{name}", "is a setting of the whole machine", hint, codes.WRONG_SYSCTL)
        elif mode is not None and mode.value == "host":
            message = f"would change the host, for {shared} is 'host'"
            yield _Found(place, f".{name}", message, f"delete it, or `{shared}: host`", codes.WRONG_SYSCTL)


def _devices(node: Node, service: Mapping[str, Node]) -> Iterator[_Found]:
    del service
    for index, entry in enumerate(node.entries):
        source, permissions = (str(entry.fields[key].value) if key in entry.fields else "" for key in _DEVICE_KEYS)
        if not source.startswith("/") and "=" not in source:
            hint = "write a path such as /dev/fuse, and where it is wanted in the container behind a colon"
            yield _Found(entry, f"[{index}]", f"names no device: '{source}'", hint, codes.WRONG_DEVICE)
        if permissions and not _PERMISSIONS.fullmatch(permissions):
            hint = "write r (read), w (write), m (make), or several of them"
            yield _Found(entry, f"[{index}]", f"has the permissions '{permissions}'", hint, codes.WRONG_DEVICE)


_DEVICE_KEYS = ("source", "permissions")


def _device_rules(node: Node, service: Mapping[str, Node]) -> Iterator[_Found]:
    del service
    for index, entry in enumerate(node.entries):
        if not _DEVICE_RULE.fullmatch(str(entry.value)):
            hint = "write type, major:minor and permissions, such as 'c 1:3 rwm' or 'a *:* rwm'"
            yield _Found(entry, f"[{index}]", f"is no rule for devices: '{entry.value}'", hint, codes.WRONG_DEVICE)


def _healthcheck(node: Node, service: Mapping[str, Node]) -> Iterator[_Found]:
    del service
    fields = node.fields
    for key in ("interval", "timeout", "start_period", "start_interval"):
        nanoseconds = duration_nanoseconds(str(fields[key].value)) if key in fields else 0
        if 0 < nanoseconds < _SHORTEST_NANOSECONDS:
            hint = "write 1ms or more"
            yield _Found(fields[key], f".{key}", f"is too short: {fields[key].value}", hint, codes.WRONG_DURATION)
    if "start_interval" in fields and "start_period" not in fields:
        message, hint = "counts only within a start_period, and there is none", "add `start_period:`"
        yield _Found(fields["start_interval"], ".start_interval", message, hint, codes.MISSING_KEY)


def _addresses(node: Node, service: Mapping[str, Node]) -> Iterator[_Found]:
    del service
    for index, entry in enumerate(node.entries):
        if not _is_address(str(entry.value)):
            hint = "name servers are asked by address, such as 9.9.9.9"
            yield _Found(entry, f"[{index}]", f"is no address: '{entry.value}'", hint, codes.WRONG_ADDRESS)


def _extra_hosts(node: Node, service: Mapping[str, Node]) -> Iterator[_Found]:
    del service
    for index, entry in enumerate(node.entries):
        address = str(entry.value).partition("=")[2]
        if address != "host-gateway" and not _is_address(address):
            hint = "write an address such as 10.0.0.7, or host-gateway"
            yield _Found(entry, f"[{index}]", f"leads to '{address}', which is no address", hint, codes.WRONG_HOST)


def _is_address(text: str) -> bool:
    import ipaddress  # noqa: PLC0415 - few services name one

    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _mac_address(node: Node, service: Mapping[str, Node]) -> Iterator[_Found]:
    del service
    if not _MAC.fullmatch(str(node.value)):
        hint = "write six pairs of hexadecimal digits, such as 02:42:ac:11:00:03"
        yield _Found(node, "", f"is no MAC address: '{node.value}'", hint, codes.WRONG_ADDRESS)


def _cpuset(node: Node, service: Mapping[str, Node]) -> Iterator[_Found]:
    del service
    if node.value and not _CPUSET.fullmatch(str(node.value)):
        yield _Found(node, "", f"is no list of processors: '{node.value}'", "write one such as 0-3,6")


def _stop_grace_period(node: Node, service: Mapping[str, Node]) -> Iterator[_Found]:
    del service
    if str(node.value).startswith("-"):
        yield _Found(node, "", "lies in the past", "write 0s to wait for nothing", codes.WRONG_DURATION)


_CHECKS: dict[str, Callable[[Node, Mapping[str, Node]], Iterator[_Found]]] = {
    "user": _user,
    "ulimits": _ulimits,
    "sysctls": _sysctls,
    "devices": _devices,
    "device_cgroup_rules": _device_rules,
    "healthcheck": _healthcheck,
    "dns": _addresses,
    "extra_hosts": _extra_hosts,
    "mac_address": _mac_address,
    "cpuset": _cpuset,
    "stop_grace_period": _stop_grace_period,
}
