"""How much of the machine a service may take, where that has parts."""

import msgspec


class Ulimit(msgspec.Struct, frozen=True, kw_only=True):
    """One resource limit (getrlimit(2)) by its lower case name; -1 is no limit."""

    name: str
    soft: int
    hard: int


class BlockLimit(msgspec.Struct, frozen=True, kw_only=True):
    """A rate (bytes or operations a second) or weight for one block device, by its path on the host."""

    path: str
    value: int


class Blkio(msgspec.Struct, frozen=True, kw_only=True):
    """A service's share of block devices; `weight` 0 is none."""

    weight: int = 0
    weight_device: tuple[BlockLimit, ...] = ()
    device_read_bps: tuple[BlockLimit, ...] = ()
    device_read_iops: tuple[BlockLimit, ...] = ()
    device_write_bps: tuple[BlockLimit, ...] = ()
    device_write_iops: tuple[BlockLimit, ...] = ()
