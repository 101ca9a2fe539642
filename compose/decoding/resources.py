"""Decodes what a service's programs may take of the machine."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from compose import codes
from compose.decoding.findings import Findings
from compose.decoding.values import NOTHING, flag, number, text
from compose.limits import Blkio, BlockLimit
from compose.nodes import Node

_CPUSET = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*")
_WEIGHTS = range(10, 1001)
_FEWEST_SHARES = 2


class ResourcesDecoder:
    """Decodes one service's fields; `path` is the service's in messages."""

    def __init__(self, fields: Mapping[str, Node], path: str, findings: Findings) -> None:
        self._fields = fields
        self._path = path
        self._findings = findings

    def settings(self) -> dict[str, Any]:
        """The fields by the model's names."""
        fields = self._fields
        deploy = fields.get("deploy", NOTHING).fields
        resources = deploy.get("resources", NOTHING).fields
        limits, reserved = (resources.get(key, NOTHING).fields for key in ("limits", "reservations"))
        memory = self._either("mem_limit", limits.get("memory"), "deploy.resources.limits.memory")
        cpus = self._either("cpus", limits.get("cpus"), "deploy.resources.limits.cpus")
        pids = self._either("pids_limit", limits.get("pids"), "deploy.resources.limits.pids")
        replicas = self._either("scale", deploy.get("replicas"), "deploy.replicas")
        kept = self._either("mem_reservation", reserved.get("memory"), "deploy.resources.reservations.memory")
        memory_bytes = int(str(memory.value)) if memory else 0
        settings: dict[str, Any] = {
            "mem_limit_bytes": memory_bytes if memory_bytes > 0 else None,
            "cpus": float(str(cpus.value)) if cpus and cpus.value else None,
            "pids_limit": int(str(pids.value)) if pids and pids.value else None,
            "replicas": int(str(replicas.value)) if replicas else 1,
            "mem_reservation_bytes": int(str(kept.value)) or None if kept else None,
            "memswap_limit_bytes": _whole(fields, "memswap_limit") or None,
            "mem_swappiness": _whole(fields, "mem_swappiness"),
            "oom_kill_disable": flag(fields, "oom_kill_disable"),
            "oom_score_adj": _whole(fields, "oom_score_adj"),
            "cgroup_parent": text(fields, "cgroup_parent"),
            "cpu_shares": _whole(fields, "cpu_shares") or None,
            "cpu_quota_us": _whole(fields, "cpu_quota") or None,
            "cpu_period_us": _whole(fields, "cpu_period") or None,
            "cpuset": text(fields, "cpuset"),
            "blkio": self._blkio(),
        }
        self._check_memory(settings)
        self._check_processors(settings)
        if ".." in settings["cgroup_parent"].split("/"):
            self._refuse(
                "cgroup_parent",
                "cgroup_parent leads out of its hierarchy",
                "name a group below the root",
                codes.WRONG_VALUE,
            )
        return settings

    def _refuse(self, key: str, message: str, hint: str, code: str = codes.WRONG_VALUE) -> None:
        node = self._fields.get(key) or self._fields.get("deploy") or NOTHING
        self._findings.hinder(node, f"{self._path}.{message}", hint, code)

    def _check_memory(self, settings: Mapping[str, Any]) -> None:
        memory, both, kept = (settings[f"{key}_bytes"] for key in ("mem_limit", "memswap_limit", "mem_reservation"))
        if both and memory is None:
            hint = "memswap_limit is of memory and swap together: add mem_limit"
            self._refuse("memswap_limit", "memswap_limit stands without mem_limit", hint, codes.CONTRADICTION)
        elif both and memory and 0 < both < memory:
            hint = "it is of memory and swap together: raise it"
            self._refuse("memswap_limit", "memswap_limit is less than mem_limit", hint, codes.CONTRADICTION)
        if kept and memory and kept > memory:
            hint = "lower it, or raise mem_limit"
            self._refuse("mem_reservation", "mem_reservation is more than mem_limit", hint, codes.CONTRADICTION)
        swappiness, written = settings["mem_swappiness"], text(self._fields, "mem_swappiness")
        if written and (swappiness is None or not 0 <= swappiness <= 100):
            self._refuse("mem_swappiness", f"mem_swappiness cannot be {written}", "use 0 to 100", codes.OUT_OF_RANGE)

    def _check_processors(self, settings: Mapping[str, Any]) -> None:
        for key in ("cpu_quota", "cpu_period"):
            if settings["cpus"] is not None and settings[f"{key}_us"] is not None:
                message = f"{key} and cpus both say how much of the processors there is"
                self._refuse(key, message, "keep one of the two", codes.CONTRADICTION)
        quota, period, shares = (settings[key] for key in ("cpu_quota_us", "cpu_period_us", "cpu_shares"))
        if period is not None and not 1000 <= period <= 1_000_000:
            self._refuse("cpu_period", f"cpu_period cannot be {period}", "use 1000 to 1000000", codes.OUT_OF_RANGE)
        if quota is not None and quota < 1000:
            self._refuse("cpu_quota", f"cpu_quota cannot be {quota}", "use 1000 or more", codes.OUT_OF_RANGE)
        if shares is not None and shares < _FEWEST_SHARES:
            hint = "use 2 or more; 1024 is usual"
            self._refuse("cpu_shares", f"cpu_shares cannot be {shares}", hint, codes.OUT_OF_RANGE)
        if settings["cpuset"] and not _CPUSET.fullmatch(settings["cpuset"]):
            self._refuse(
                "cpuset", f"cpuset cannot be '{settings['cpuset']}'", "write numbers such as 0-3,5", codes.WRONG_VALUE
            )

    def _blkio(self) -> Blkio | None:
        node = self._fields.get("blkio_config")
        if node is None:
            return None
        fields = node.fields
        devices = tuple(_block_limits(fields, "weight_device", "weight"))
        weight = _whole(fields, "weight") or 0
        for chosen in (weight, *(limit.value for limit in devices)):
            if chosen and chosen not in _WEIGHTS:
                self._refuse("blkio_config", f"blkio_config: the weight {chosen}", "use 10 to 1000", codes.OUT_OF_RANGE)
        return Blkio(
            weight=weight,
            weight_device=devices,
            device_read_bps=tuple(_block_limits(fields, "device_read_bps", "rate")),
            device_read_iops=tuple(_block_limits(fields, "device_read_iops", "rate")),
            device_write_bps=tuple(_block_limits(fields, "device_write_bps", "rate")),
            device_write_iops=tuple(_block_limits(fields, "device_write_iops", "rate")),
        )

    def _either(self, key: str, other: Node | None, other_said: str) -> Node | None:
        """One of two keys that say the same; a problem when they differ."""
        one = self._fields.get(key)
        if one is not None and other is not None and one.value != other.value:
            message = f"{self._path}: {key} is {one.value}, but {other_said} is {other.value}"
            self._findings.refuse(one, message, "keep one of the two", codes.CONTRADICTION)
        return other if one is None else one


def _block_limits(fields: Mapping[str, Node], key: str, what: str) -> Iterator[BlockLimit]:
    for entry in fields.get(key, NOTHING).entries:
        yield BlockLimit(path=text(entry.fields, "path"), value=_whole(entry.fields, what) or 0)


def _whole(fields: Mapping[str, Node], key: str) -> int | None:
    """A whole number, written as one or as text; None when it is missing."""
    written = number(fields, key)
    if written is None or not math.isfinite(written):
        said = text(fields, key)
        return int(said) if said.lstrip("-").isdecimal() else None
    return int(written)
