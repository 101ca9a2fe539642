"""Tells once of what a file asks for that this kind of host does not have."""

from collections.abc import Mapping
from pathlib import Path

from compose import codes
from compose.decoding.findings import Findings
from compose.decoding.values import NOTHING, text
from compose.nodes import Node

_WINDOWS = ("cpu_count", "cpu_percent", "credential_spec", "isolation")
_RUNTIMES = ("runc", "crun", "io.containerd.runc.v2")
_VERSION_1 = Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")


def tell_what_is_elsewhere(fields: Mapping[str, Node], path: str, findings: Findings) -> None:
    """Warns of what has no effect here, and refuses what a service cannot do without; `path` is the service's."""
    for key in _WINDOWS:
        if key in fields and fields[key].value not in (0, "", "default"):
            findings.warn(fields[key], f"{path}.{key} has no effect: it is for Windows")
    for key in ("cpu_rt_period", "cpu_rt_runtime"):
        if key in fields:
            findings.warn(fields[key], f"{path}.{key} has no effect: windlass hands no real-time shares down")
    _tell_of_runtime(fields, path, findings)
    _tell_of_reservations(fields, path, findings)


def _tell_of_runtime(fields: Mapping[str, Node], path: str, findings: Findings) -> None:
    for key in ("mem_swappiness", "oom_kill_disable"):
        if key in fields and fields[key].value not in (None, False) and not _VERSION_1.exists():
            findings.warn(fields[key], f"{path}.{key} has no effect: it needs cgroup v1, and this host has v2")
    if "models" in fields:
        findings.warn(fields["models"], f"{path}.models has no effect: windlass runs no models")
    if fields.get("use_api_socket", NOTHING).value is True:
        message = f"{path}.use_api_socket cannot be: there is no daemon whose socket a container could use"
        findings.refuse(fields["use_api_socket"], message, "delete it", codes.NOT_YET)
    runtime = text(fields, "runtime")
    if runtime in _RUNTIMES:
        findings.warn(fields["runtime"], f"{path}.runtime has no effect: windlass is its own runtime")
    elif runtime:
        message = f"{path}: the runtime '{runtime}' is not supported yet"
        findings.hinder(fields["runtime"], message, "windlass is its own runtime: delete the line")


def _tell_of_reservations(fields: Mapping[str, Node], path: str, findings: Findings) -> None:
    if fields.get("gpus", NOTHING).entries:
        hint = "the nodes of a device can be given with `devices:`"
        findings.warn(fields["gpus"], f"{path}.gpus has no effect: windlass has no drivers of GPUs", hint)
    resources = fields.get("deploy", NOTHING).fields.get("resources", NOTHING).fields
    reserved = resources.get("reservations", NOTHING).fields
    idle = [key for key in ("cpus", "devices", "generic_resources") if key in reserved]
    if idle:
        does = "have" if len(idle) > 1 else "has"
        message = f"{path}.deploy.resources.reservations: {', '.join(idle)} {does} no effect on a single host"
        findings.warn(reserved[idle[0]], message)
