"""A file system that answers for its root directory, not for what is in it, as a network share that has gone away.

Its entries cannot be listed, nor one called `deep` looked up; others there are none.

It speaks just enough of the kernel's FUSE protocol (fuse(4), include/uapi/linux/fuse.h): a request is a header of 40
bytes (length, opcode, unique, node, ...), a reply one of 16 (length, error, unique).
"""

import os
import stat
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOOKUP, _GETATTR, _INIT, _OPENDIR, _ACCESS, _STATFS, _READDIR = 1, 3, 26, 27, 34, 17, 28
_NO_SUCH_CALL = -38
_ROOT = struct.pack("=6Q10I", 1, 0, 0, 0, 0, 0, 0, 0, 0, stat.S_IFDIR | 0o755, 2, 0, 0, 0, 4096, 0)


@contextmanager
def hanging_directory(place: Path) -> Iterator[threading.Event]:
    """Mounts it at a directory; the event is set once somebody hangs. Whoever does so is let go at the end."""
    place.mkdir()
    fd = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={fd},rootmode=40000,user_id=0,group_id=0,allow_other"
    hangs = threading.Event()
    server = threading.Thread(target=_serve, args=(fd, hangs))
    subprocess.run(["mount", "-i", "-t", "fuse", "-o", options, "hanging", str(place)], pass_fds=[fd], check=True)
    server.start()
    try:
        yield hangs
    finally:
        subprocess.run(["umount", "-f", "-l", str(place)], check=True)
        server.join(10)
        os.close(fd)


def _serve(fd: int, hangs: threading.Event) -> None:
    while True:
        try:
            request = os.read(fd, 1 << 17)
        except OSError:  # ENODEV: it was unmounted
            return
        _length, opcode, unique, _node = struct.unpack_from("=IIQQ", request)
        answer, error = b"", 0
        if opcode == _INIT:
            answer = struct.pack("=IIIIHHIIHH32x", 7, 31, 0, 0, 0, 0, 1 << 16, 0, 0, 0)
        elif opcode == _GETATTR:
            answer = struct.pack("=QII", 0, 0, 0) + _ROOT
        elif opcode == _OPENDIR:
            answer = struct.pack("=QII", 0, 0, 0)
        elif opcode == _STATFS:
            answer = bytes(80)
        elif opcode == _READDIR or (opcode == _LOOKUP and request[40:] == b"deep\0"):
            hangs.set()
            continue
        elif opcode == _ACCESS:
            error = _NO_SUCH_CALL
        else:
            error = -2
        os.write(fd, struct.pack("=IiQ", 16 + len(answer), error, unique) + answer)
