"""Follows containers' logs as they are written, through every rotation, without polling.

One inotify(7) descriptor serves any number of containers. A file watching library would take an inotify instance (of
which a user has 128) with two threads for each container.
"""

import errno
import os
import select
from collections.abc import Iterator
from pathlib import Path

from engine import syscalls
from engine.errors import StateError, SyscallError
from engine.logreader import LineJoiner, LogLine, last_records, open_files
from engine.logstore import log_files

_IN_MODIFY = 0x002
_IN_MOVED_TO = 0x080
_IN_CREATE = 0x100
_IN_ONLYDIR = 0x01000000
_EVENTS_BYTES = 1 << 16
_CHUNK_BYTES = 1 << 18


class Follower:
    """The new lines of several logs. `fileno` is readable when `collect` may have some."""

    def __init__(self) -> None:
        try:
            self._inotify = syscalls.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        except SyscallError as error:
            raise StateError(
                "cannot follow logs: no inotify instance is left",
                hint="raise the sysctl fs.inotify.max_user_instances",
            ) from error
        self._followed: dict[str, _Followed] = {}
        self._watches: dict[str, int] = {}

    def fileno(self) -> int:
        """A descriptor that is readable when something was written."""
        return self._inotify

    def add(self, name: str, directory: Path, *, tail: int | None = None) -> list[LogLine]:
        """Follows a container's log from now on; gives what is there already, the last `tail` lines at the most."""
        mask = _IN_MODIFY | _IN_MOVED_TO | _IN_CREATE | _IN_ONLYDIR
        try:
            self._watches[name] = syscalls.inotify_add_watch(self._inotify, directory, mask)
        except SyscallError as error:
            hint = "raise the sysctl fs.inotify.max_user_watches" if error.errno == errno.ENOSPC else ""
            raise StateError(f"cannot follow the log of {name}: {error.message}", hint=hint) from error
        followed = self._followed[name] = _Followed(directory)
        return followed.catch_up(tail)

    def remove(self, name: str) -> list[LogLine]:
        """Ends following; gives what was written since the last `collect`."""
        followed = self._followed.pop(name)
        watch = self._watches.pop(name)
        try:
            syscalls.inotify_rm_watch(self._inotify, watch)
        except SyscallError as error:
            if error.errno != errno.EINVAL:  # the directory was removed
                raise
        lines = followed.read()
        followed.close()
        return lines

    def collect(self) -> list[tuple[str, LogLine]]:
        """What was written since, in the order of its time; returns at once."""
        try:
            while len(os.read(self._inotify, _EVENTS_BYTES)) > _EVENTS_BYTES // 2:
                pass
        except BlockingIOError:
            pass
        news = [(name, line) for name, followed in self._followed.items() for line in followed.read()]
        return sorted(news, key=lambda item: item[1].time_ns)

    def lines(self, stop_fd: int) -> Iterator[tuple[str, LogLine]]:
        """Lines as they are written, until `stop_fd` is readable; then what is left."""
        poll = select.poll()
        poll.register(self._inotify, select.POLLIN)
        poll.register(stop_fd, select.POLLIN)
        stopped = False
        while not stopped:
            stopped = any(fd == stop_fd for fd, _events in poll.poll())
            yield from self.collect()

    def close(self) -> None:
        """Lets go of everything."""
        for followed in self._followed.values():
            followed.close()
        self._followed.clear()
        os.close(self._inotify)


class _Followed:
    """One log and how far it was read."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._joiner = LineJoiner()
        self._fd = -1
        self._rest = b""

    def catch_up(self, tail: int | None) -> list[LogLine]:
        if tail is None:
            return self._read_from_oldest()
        fds = open_files(self._directory)
        if not fds:
            return []
        end = _end_of_records(fds[-1])
        records = last_records(fds, tail, end)
        self._fd = fds.pop()
        for fd in fds:
            os.close(fd)
        os.lseek(self._fd, end, os.SEEK_SET)
        lines = [line for record in records if (line := self._joiner.feed(record)) is not None]
        return lines[max(0, len(lines) - tail) :]

    def read(self) -> list[LogLine]:
        """Reads to the end, file after file."""
        if self._fd < 0:
            return self._read_from_oldest()
        lines = self._read_file()
        while (newer := self._open_next()) is not None:
            lines += self._read_file()  # what was written between the last read and the rotation
            os.close(self._fd)
            self._fd = newer
            lines += self._read_file()
        return lines

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _read_from_oldest(self) -> list[LogLine]:
        fds = open_files(self._directory)
        lines = []
        for fd in fds:
            self.close()
            self._fd = fd
            lines += self._read_file()
        return lines

    def _read_file(self) -> list[LogLine]:
        lines = []
        while chunk := os.read(self._fd, _CHUNK_BYTES):
            *records, self._rest = (self._rest + chunk).split(b"\n")
            lines += [line for record in records if (line := self._joiner.feed(record)) is not None]
        return lines

    def _open_next(self) -> int | None:
        """The file that follows the present one, None while there is none; the oldest one if it was rotated away."""
        own = os.fstat(self._fd).st_ino
        newer: Path | None = None
        for path in log_files(self._directory):
            try:
                inode = path.stat().st_ino
            except FileNotFoundError:
                continue
            if inode == own:
                break
            newer = path
        if newer is None:
            return None
        try:
            return os.open(newer, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None


def _end_of_records(fd: int) -> int:
    """Where the last whole record of a file ends."""
    end = os.fstat(fd).st_size
    while end > 0:
        start = max(0, end - _CHUNK_BYTES)
        found = os.pread(fd, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
