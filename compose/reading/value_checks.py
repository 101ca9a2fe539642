"""Checks single values of services that Compose lets pass, and that would fail only when a container is made."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from compose import codes
from compose.errors import Problem
from compose.grammar.quantities import duration_nanoseconds
from compose.nodes import Node

_USER = re.compile(r"[^\s:]*(:[^\s:]+)?")
_MAC = re.compile(r"[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}")
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
            for found in check(node):
                path = f"services.{name}.{key}{found.path}"
                yield Problem(found.node.place, f"{path} {found.message}", found.hint, found.code)


def _user(node: Node) -> Iterator[_Found]:
    text = str(node.value)
    if not _USER.fullmatch(text):
        hint = "write a name or an id, and a group behind a colon if one is meant: 1000, postgres, 1000:1000"
        yield _Found(node, "", f"cannot be '{text}'", hint, codes.WRONG_USER)


def _healthcheck(node: Node) -> Iterator[_Found]:
    fields = node.fields
    for key in ("interval", "timeout", "start_period", "start_interval"):
        nanoseconds = duration_nanoseconds(str(fields[key].value)) if key in fields else 0
        if 0 < nanoseconds < _SHORTEST_NANOSECONDS:
            hint = "write 1ms or more"
            yield _Found(fields[key], f".{key}", f"is too short: {fields[key].value}", hint, codes.WRONG_DURATION)
    if "start_interval" in fields and "start_period" not in fields:
        message, hint = "counts only within a start_period, and there is none", "add `start_period:`"
        yield _Found(fields["start_interval"], ".start_interval", message, hint, codes.MISSING_KEY)


def _addresses(node: Node) -> Iterator[_Found]:
    for index, entry in enumerate(node.entries):
        if not _is_address(str(entry.value)):
            hint = "name servers are asked by address, such as 9.9.9.9"
            yield _Found(entry, f"[{index}]", f"is no address: '{entry.value}'", hint, codes.WRONG_ADDRESS)


def _extra_hosts(node: Node) -> Iterator[_Found]:
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


def _mac_address(node: Node) -> Iterator[_Found]:
    if node.value and not _MAC.fullmatch(str(node.value)):
        hint = "write six pairs of hexadecimal digits, such as 02:42:ac:11:00:03"
        yield _Found(node, "", f"is no MAC address: '{node.value}'", hint, codes.WRONG_ADDRESS)


def _stop_grace_period(node: Node) -> Iterator[_Found]:
    if str(node.value).startswith("-"):
        yield _Found(node, "", "lies in the past", "write 0s to wait for nothing", codes.WRONG_DURATION)


_CHECKS: dict[str, Callable[[Node], Iterator[_Found]]] = {
    "user": _user,
    "healthcheck": _healthcheck,
    "dns": _addresses,
    "extra_hosts": _extra_hosts,
    "mac_address": _mac_address,
    "stop_grace_period": _stop_grace_period,
}
