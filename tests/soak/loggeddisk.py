"""A disk whose every write and flush is written down in order, so that it can be made again as a power cut left it.

A file system of one file, spoken in the kernel's FUSE protocol (fuse(4), include/uapi/linux/fuse.h), lies under a
loop device. What was flushed stays; of what was written since, a disk keeps any blocks, in any order. The server is
a process of its own: whoever waits for the disk must never be the one who answers for it.
"""

import os
import random
import stat
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

BLOCK = 4096
_ENTRY = struct.Struct("=QQ")
"""An entry of the log: offset and length of what follows; a flush has no length."""

_FORGET, _GETATTR, _OPEN, _READ, _WRITE, _FSYNC, _INIT = 2, 3, 14, 15, 16, 20, 26
_RELEASE, _FLUSH, _INTERRUPT, _DESTROY, _BATCH_FORGET = 18, 25, 36, 38, 42
_SILENT = (_FORGET, _INTERRUPT, _BATCH_FORGET)
_NO_SUCH_CALL = -38
_HEADER, _TRANSFER = 40, 40
_BIG_WRITES, _MAX_PAGES = 1 << 5, 1 << 22
_MOST = 1 << 20


class Write(NamedTuple):
    """What was written, where in the disk; a flush is a write of nothing."""

    offset: int
    data: bytes


@contextmanager
def logged_disk(image: Path, log: Path) -> Iterator[str]:
    """Gives a block device over an image; what is written goes into both. Nobody may use it when the block ends."""
    place = image.with_name(f"{image.name}.served")
    place.touch()
    log.touch()
    fd = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={fd},rootmode=100600,user_id=0,group_id=0"
    subprocess.run(["mount", "-i", "-t", "fuse", "-o", options, "disk", str(place)], pass_fds=[fd], check=True)
    command = [sys.executable, __file__, str(fd), str(image), str(log)]
    server = subprocess.Popen(command, pass_fds=[fd], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    os.close(fd)
    try:
        with loop_device(place) as device:
            yield device
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:  # something still holds the disk: it fails from here on
            server.kill()
            server.wait()


@contextmanager
def loop_device(image: Path) -> Iterator[str]:
    """A loop device over a file."""
    made = subprocess.run(["losetup", "--find", "--show", str(image)], capture_output=True, text=True, check=True)
    device = made.stdout.strip()
    try:
        yield device
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)


def written(log: Path) -> list[Write]:
    """Everything that the log tells."""
    content = log.read_bytes()
    found, at = [], 0
    while at < len(content):
        offset, length = _ENTRY.unpack_from(content, at)
        at += _ENTRY.size
        found.append(Write(offset, content[at : at + length]))
        at += length
    return found


def cut(writes: list[Write], end: int, image: Path, chance: random.Random) -> int:
    """Makes an image what is on the disk when the power goes before a write; gives how many blocks were lost."""
    flushed = max((number for number, write in enumerate(writes[:end]) if not write.data), default=0)
    kept_share = chance.choice((0.0, 0.5, 0.9))
    lost = 0
    with image.open("r+b") as file:
        for number, (offset, data) in enumerate(writes[:end]):
            for start in range(0, len(data), BLOCK):
                if number > flushed and chance.random() >= kept_share:
                    lost += 1
                    continue
                file.seek(offset + start)
                file.write(data[start : start + BLOCK])
    return lost


def _serve(fd: int, image: Path, log: Path) -> None:  # noqa: C901 -- one branch for each request of the protocol
    disk = os.open(image, os.O_RDWR)
    with log.open("ab", buffering=0) as entries:
        while True:
            try:
                request = os.read(fd, _MOST + 4096)
            except OSError:  # ENODEV: it was unmounted
                return
            _length, opcode, unique, _node = struct.unpack_from("=IIQQ", request)
            if opcode in _SILENT:
                continue
            answer, error = b"", 0
            if opcode == _INIT:
                flags = _BIG_WRITES | _MAX_PAGES
                answer = struct.pack("=IIIIHHIIHH32x", 7, 31, 0, flags, 0, 0, _MOST, 0, _MOST // 4096, 0)
            elif opcode == _GETATTR:
                size = os.fstat(disk).st_size
                mode = stat.S_IFREG | 0o600
                answer = struct.pack("=QII6Q10I", 0, 0, 0, 1, size, size // 512, *[0] * 6, mode, 1, 0, 0, 0, 4096, 0)
            elif opcode == _OPEN:
                answer = struct.pack("=QII", 0, 0, 0)
            elif opcode == _READ:
                _fh, offset, size = struct.unpack_from("=QQI", request, _HEADER)
                answer = os.pread(disk, size, offset)
            elif opcode == _WRITE:
                _fh, offset, size = struct.unpack_from("=QQI", request, _HEADER)
                data = request[_HEADER + _TRANSFER :][:size]
                os.pwrite(disk, data, offset)
                entries.write(_ENTRY.pack(offset, size) + data)
                answer = struct.pack("=II", size, 0)
            elif opcode == _FSYNC:
                entries.write(_ENTRY.pack(0, 0))
            elif opcode not in (_FLUSH, _RELEASE, _DESTROY):
                error = _NO_SUCH_CALL
            os.write(fd, struct.pack("=IiQ", 16 + len(answer), error, unique) + answer)


if __name__ == "__main__":
    _serve(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
