"""Translates what a service's programs may and may not, and their share of the machine, for the engine."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from compose import codes, naming
from compose.deciding.replica import Replica
from compose.deciding.translate_networks import network_namespace
from compose.decoding.security_options import security_options
from compose.errors import FileError, Problem
from compose.limits import Blkio
from compose.limits import BlockLimit as FileBlockLimit
from compose.model import Service, Stack
from engine.spec import BlockLimit, BlockLimits, Confinement, Device, Limits, Namespaces, ResourceLimit


def confinement_and_shares(stack: Stack, replica: Replica) -> dict[str, Any]:
    """The fields of a container's specification; raises FileError for a profile that is none."""
    service = replica.service
    return {
        "confinement": _confinement(stack, service),
        "namespaces": _namespaces(stack, replica),
        "resource_limits": tuple(
            ResourceLimit(name=limit.name, soft=limit.soft, hard=limit.hard) for limit in service.ulimits
        ),
        "sysctls": service.sysctls,
        "oom_score_adjustment": service.oom_score_adj,
        "cgroup_parent": service.cgroup_parent,
        "limits": _limits(service),
    }


def _confinement(stack: Stack, service: Service) -> Confinement:
    options = security_options(service.security_opt)
    return Confinement(
        privileged=service.privileged,
        no_new_privileges=options.no_new_privileges,
        seccomp=_profile(stack, service, options.seccomp),
        unmasked=options.unmasked,
        mask=options.mask,
        unmask=options.unmask,
        devices=tuple(
            Device(source=device.source, target=device.target, permissions=device.permissions)
            for device in service.devices
        ),
        device_rules=service.device_cgroup_rules,
    )


def _profile(stack: Stack, service: Service, path: str) -> str:
    """The text of a profile of system calls; `path` counts from the project's directory."""
    if path in ("", "unconfined"):
        return path
    from engine import seccomp_profile  # noqa: PLC0415 - few services bring a profile

    place = stack.place("services", service.name, "security_opt")
    where = Path(stack.directory) / Path(path).expanduser()
    try:
        profile = where.read_text(encoding="utf-8")
        seccomp_profile.check(profile)
    except OSError as error:
        message = f"services.{service.name}.security_opt: the seccomp profile {path} cannot be read: {error.strerror}"
        hint = f"it was looked for at {where}"
        raise FileError((Problem(place, message, hint, codes.UNDEFINED),)) from None
    except ValueError as error:
        message = f"services.{service.name}.security_opt: {path} is no seccomp profile: {error}"
        hint = "write it as Docker's own: defaultAction and a list of syscalls"
        raise FileError((Problem(place, message, hint, codes.WRONG_VALUE),)) from None
    return profile


def _namespaces(stack: Stack, replica: Replica) -> Namespaces:
    service = replica.service
    return Namespaces(
        network=network_namespace(stack, replica),
        pid=_partner(stack, replica, service.pid),
        ipc="" if service.ipc in ("private", "shareable") else _partner(stack, replica, service.ipc),
        uts=service.uts,
        cgroup="" if service.cgroup == "private" else service.cgroup,
        user=service.userns_mode,
    )


def _partner(stack: Stack, replica: Replica, mode: str) -> str:
    if not mode.startswith("service:"):
        return mode
    owner = stack.services[mode.removeprefix("service:")]
    number = replica.number if replica.number <= owner.replicas else 1
    return f"container:{owner.container_name or naming.container_name(stack.name, owner.name, number, stack.separator)}"


def _limits(service: Service) -> Limits:
    return Limits(
        memory_bytes=service.mem_limit_bytes,
        cpus=service.cpus,
        pids=service.pids_limit,
        memory_reservation_bytes=service.mem_reservation_bytes,
        swap_bytes=service.memswap_limit_bytes,
        swappiness=service.mem_swappiness,
        oom_kill_disable=service.oom_kill_disable,
        cpu_shares=service.cpu_shares,
        cpu_quota_us=service.cpu_quota_us,
        cpu_period_us=service.cpu_period_us,
        cpuset=service.cpuset,
        block=_block(service.blkio),
    )


def _block(blkio: Blkio | None) -> BlockLimits:
    if blkio is None:
        return BlockLimits()
    return BlockLimits(
        weight=blkio.weight,
        weight_device=_each(blkio.weight_device),
        read_bytes=_each(blkio.device_read_bps),
        read_operations=_each(blkio.device_read_iops),
        write_bytes=_each(blkio.device_write_bps),
        write_operations=_each(blkio.device_write_iops),
    )


def _each(limits: Iterable[FileBlockLimit]) -> tuple[BlockLimit, ...]:
    return tuple(BlockLimit(path=limit.path, value=limit.value) for limit in limits)
