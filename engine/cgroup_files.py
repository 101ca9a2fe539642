"""Decides what is written into which file of a control group, on version 1 and 2; see cgroups(7)."""

import os
from collections.abc import Iterable
from typing import Literal

from engine.errors import EngineError
from engine.spec import BlockLimit, BlockLimits, Limits

_PERIOD_MICROSECONDS = 100_000
_FEWEST_PIDS = 4096
_MOST_PIDS = 8192
_NO_BLOCK_LIMITS = BlockLimits()


def cgroup_files(limits: Limits, version: Literal[1, 2], pid_max: int) -> dict[str, str]:
    """What to write into which file, in this order and a line at a time. `pid_max` is the host's kernel.pid_max."""
    files = _memory(limits, version)
    files |= _cpu(limits, version)
    if limits.cpuset:
        files["cpuset.cpus"] = limits.cpuset
    if limits.block != _NO_BLOCK_LIMITS:
        files |= _block_1(limits.block) if version == 1 else _block_2(limits.block)
    pids = limits.pids if limits.pids is not None else min(max(pid_max // 4, _FEWEST_PIDS), _MOST_PIDS)
    files["pids.max"] = "max" if pids < 0 else str(pids)
    return files


def _memory(limits: Limits, version: Literal[1, 2]) -> dict[str, str]:
    """As much swap again as memory is what Compose's users get from a memory limit alone."""
    memory, both, kept = limits.memory_bytes, limits.swap_bytes, limits.memory_reservation_bytes
    files: dict[str, str] = {}
    if version == 2:
        if memory is not None:
            swap = memory if both is None or both == 0 else both - memory
            files = {"memory.max": str(memory), "memory.swap.max": "max" if both == -1 else str(swap)}
        if kept is not None:
            files["memory.low"] = str(kept)
        return files
    if memory is not None:
        files = {
            "memory.limit_in_bytes": str(memory),
            "memory.memsw.limit_in_bytes": str(both or 2 * memory),
        }
    if kept is not None:
        files["memory.soft_limit_in_bytes"] = str(kept)
    if limits.swappiness is not None:
        files["memory.swappiness"] = str(limits.swappiness)
    if limits.oom_kill_disable:
        files["memory.oom_control"] = "1"
    return files


def _cpu(limits: Limits, version: Literal[1, 2]) -> dict[str, str]:
    files: dict[str, str] = {}
    quota, period = limits.cpu_quota_us, limits.cpu_period_us or _PERIOD_MICROSECONDS
    if limits.cpus is not None:
        period = _PERIOD_MICROSECONDS
        quota = max(1000, round(limits.cpus * period))
    if quota is not None or limits.cpu_period_us is not None:
        if version == 2:
            files["cpu.max"] = f"{quota if quota and quota > 0 else 'max'} {period}"
        else:
            files |= {"cpu.cfs_period_us": str(period), "cpu.cfs_quota_us": str(quota or -1)}
    if limits.cpu_shares:
        if version == 2:  # 2..262144 there, 1..10000 here; the default of one does not become that of the other
            files["cpu.weight"] = str(1 + (min(max(limits.cpu_shares, 2), 262144) - 2) * 9999 // 262142)
        else:
            files["cpu.shares"] = str(limits.cpu_shares)
    return files


def _block_1(block: BlockLimits) -> dict[str, str]:
    files: dict[str, str] = {}
    if block.weight:
        files |= {"blkio.weight": str(block.weight), "blkio.bfq.weight": str(block.weight)}
    if block.weight_device:
        files["blkio.weight_device"] = _lines(block.weight_device)
        files["blkio.bfq.weight_device"] = _lines(block.weight_device)
    for name, rates in (
        ("read_bps", block.read_bytes),
        ("write_bps", block.write_bytes),
        ("read_iops", block.read_operations),
        ("write_iops", block.write_operations),
    ):
        if rates:
            files[f"blkio.throttle.{name}_device"] = _lines(rates)
    return files


def _block_2(block: BlockLimits) -> dict[str, str]:
    files: dict[str, str] = {}
    if block.weight or block.weight_device:
        default = (f"default {block.weight}",) if block.weight else ()
        files["io.bfq.weight"] = "\n".join((*default, *_lines(block.weight_device).splitlines()))
    rates: dict[str, list[str]] = {}
    for key, limits in (
        ("rbps", block.read_bytes),
        ("wbps", block.write_bytes),
        ("riops", block.read_operations),
        ("wiops", block.write_operations),
    ):
        for limit in limits:
            rates.setdefault(_number(limit.path), []).append(f"{key}={limit.value}")
    if rates:
        files["io.max"] = "\n".join(f"{number} {' '.join(words)}" for number, words in rates.items())
    return files


def _lines(limits: Iterable[BlockLimit]) -> str:
    return "\n".join(f"{_number(limit.path)} {limit.value}" for limit in limits)


def _number(path: str) -> str:
    """A block device's numbers, major:minor."""
    try:
        device = os.stat(path).st_rdev  # noqa: PTH116 - a path of the user's own
    except OSError as error:
        raise EngineError(
            f"cannot limit the block device {path}: {error.strerror}", hint="lsblk -p lists those that there are"
        ) from error
    return f"{os.major(device)}:{os.minor(device)}"
