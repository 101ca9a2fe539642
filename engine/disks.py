"""Gives the writable layer of a container a file system of its own, so that it cannot grow beyond a size.

A sparse file beside the layer, formatted as ext4, mounted through a loop device that goes with the mount (loop(4)).
"""

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EBUSY
from pathlib import Path

from engine import syscalls
from engine.directories import make_private
from engine.errors import EngineError, SyscallError
from engine.spec import ContainerSpec
from engine.syscalls import MNT_DETACH, MountFlag
from engine.volumes import is_mounted

_FILE = "disk.img"
_DIRECTORY = "disk"
_LOOP_CTL_GET_FREE = 0x4C82
_LOOP_CONFIGURE = 0x4C0A
_LO_FLAGS_AUTOCLEAR = 4
_CONFIG = struct.Struct("=II 52x I 176x 64x")  # struct loop_config of linux/loop.h: fd, block size, info.lo_flags
_ATTEMPTS = 20
_NODEV = MountFlag(0x4)


def layer_place(data: Path, spec: ContainerSpec) -> Path:
    """The directory that upper and work of a container lie in; `data` is the container's."""
    return data / _DIRECTORY if spec.storage_bytes else data


def ensure_disk(data: Path, size_bytes: int) -> None:
    """Makes the file system, if it is missing, and mounts it, if it is not."""
    place, image = data / _DIRECTORY, data / _FILE
    make_private(place)
    if is_mounted(place):
        return
    try:
        if not image.exists():
            _format(image, size_bytes)
        with _loop_device(image) as device:
            syscalls.mount(device, place, "ext4", _NODEV, "discard")
        syscalls.mount("", place, "", MountFlag.PRIVATE)
    except (SyscallError, OSError) as error:
        raise EngineError(
            f"cannot give the container a disk of {size_bytes} bytes: {error}",
            hint="`storage_opt: {size: ...}` needs loop devices and ext4 on this host; delete it to go without a limit",
        ) from error


def release_disk(data: Path) -> None:
    """Takes the file system away; its file stays for whoever removes the directory."""
    while is_mounted(data / _DIRECTORY):
        syscalls.umount2(data / _DIRECTORY, MNT_DETACH)


def _format(image: Path, size_bytes: int) -> None:
    from engine import programs  # noqa: PLC0415 - rarely needed, and slow to import

    draft = image.with_name(f"{_FILE}.new")
    draft.unlink(missing_ok=True)
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.truncate(fd, size_bytes)
    finally:
        os.close(fd)
    # No journal: nothing of a container outlives a crash of the machine. Nothing is kept for root, who is nobody there.
    programs.run(("mkfs.ext4", "-q", "-F", "-m", "0", "-O", "^has_journal", "-E", "lazy_itable_init=1", str(draft)))
    draft.rename(image)


@contextmanager
def _loop_device(image: Path) -> Iterator[str]:
    """A block device that shows the file, for as long as it is mounted or the block runs."""
    with image.open("r+b") as file, Path("/dev/loop-control").open("rb") as control:
        for _ in range(_ATTEMPTS):
            path = f"/dev/loop{fcntl.ioctl(control, _LOOP_CTL_GET_FREE)}"
            with Path(path).open("r+b", buffering=0) as device:
                try:
                    fcntl.ioctl(device, _LOOP_CONFIGURE, _CONFIG.pack(file.fileno(), 0, _LO_FLAGS_AUTOCLEAR))
                except OSError as error:
                    if error.errno != EBUSY:  # somebody else was faster
                        raise
                    continue
                yield path
                return
        raise OSError(EBUSY, "all loop devices are taken")
