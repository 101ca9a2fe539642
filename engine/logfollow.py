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
from engine.logreader import LogLine, Run, RunJoiner, last_lines, last_records, merge, open_files, whole_records
from engine.logstore import log_files

_IN_MODIFY = 0x002
_IN_MOVED_TO = 0x080
_IN_CREATE = 0x100
_IN_ONLYDIR = 0x01000000
_EVENTS_BYTES = 1 << 16
_CHUNK_BYTES = 1 << 18
_PASS_BYTES = 4 << 20
_EVERYTHING = 1 << 62


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

    def begin(self, name: str, directory: Path, *, tail: int | None = None) -> Iterator[Run]:
        """Follows a container's log from now on; gives what is there already, the last `tail` lines at the most.

        What is given is read as it is asked for; until it was asked for to its end, nothing else is to be asked for.
        """
        mask = _IN_MODIFY | _IN_MOVED_TO | _IN_CREATE | _IN_ONLYDIR
        try:
            self._watches[name] = syscalls.inotify_add_watch(self._inotify, directory, mask)
        except SyscallError as error:
            hint = "raise the sysctl fs.inotify.max_user_watches" if error.errno == errno.ENOSPC else ""
            raise StateError(f"cannot follow the log of {name}: {error.message}", hint=hint) from error
        followed = self._followed[name] = _Followed(directory)
        return followed.read() if tail is None else iter(followed.catch_up(tail))

    def add(self, name: str, directory: Path, *, tail: int | None = None) -> list[LogLine]:
        """The same, read at once, line by line."""
        return [line for run in self.begin(name, directory, tail=tail) for line in run.lines()]

    def end(self, name: str) -> list[Run]:
        """Ends following; gives what was written since the last `news`."""
        followed = self._followed.pop(name)
        watch = self._watches.pop(name)
        try:
            syscalls.inotify_rm_watch(self._inotify, watch)
        except SyscallError as error:
            if error.errno != errno.EINVAL:  # the directory was removed
                raise
        runs = list(followed.read())
        followed.close()
        return runs

    def remove(self, name: str) -> list[LogLine]:
        """The same, line by line, for a log that nobody writes to any more: its last line may lack an end."""
        followed = self._followed[name]
        return [line for run in (*self.end(name), *followed.rest()) for line in run.lines()]

    def news(self) -> Iterator[tuple[str, Run]]:
        """What was written since, in the order of its time; to be asked for to its end.

        It is no more than a few megabytes of each log, lest a flood never ends: whatever is left is told by `behind`.
        """
        self._take_events()
        return merge((name, followed.read(_PASS_BYTES)) for name, followed in self._followed.items())

    @property
    def behind(self) -> bool:
        """Whether the last `news` left something, although `fileno` may not be readable."""
        return any(followed.behind for followed in self._followed.values())

    def collect(self) -> list[tuple[str, LogLine]]:
        """All that was written since, in the order of its time, line by line; returns at once."""
        self._take_events()
        runs = merge((name, followed.read()) for name, followed in self._followed.items())
        return [(name, line) for name, run in runs for line in run.lines()]

    def _take_events(self) -> None:
        try:
            while len(os.read(self._inotify, _EVENTS_BYTES)) > _EVENTS_BYTES // 2:
                pass
        except BlockingIOError:
            pass

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
        self._joiner = RunJoiner()
        self._fd = -1
        self._ahead: list[int] = []
        self._rest = b""
        self._left = 0
        self.behind = False

    def catch_up(self, tail: int) -> list[Run]:
        """The last lines; reading goes on after them."""
        fds = open_files(self._directory)
        if not fds:
            return []
        end = _end_of_records(fds[-1])
        records = last_records(fds, tail, end)
        self._fd = fds.pop()
        for fd in fds:
            os.close(fd)
        os.lseek(self._fd, end, os.SEEK_SET)
        return last_lines(list(self._joiner.feed(b"".join(record + b"\n" for record in records))), tail)

    def read(self, most_bytes: int = _EVERYTHING) -> Iterator[Run]:
        """Reads to the end, file after file, but not much more than `most_bytes`."""
        self._left = most_bytes
        if self._fd < 0:
            self._ahead = open_files(self._directory)
        while True:
            yield from self._read_file()
            self.behind = self._left <= 0
            if self.behind:
                return
            newer = self._ahead.pop(0) if self._ahead else self._open_next()
            if newer is None:
                return
            yield from self._read_file()  # what was written between the last read and the rotation
            if self._fd >= 0:
                os.close(self._fd)
            self._fd = newer

    def rest(self) -> Iterator[Run]:
        """What was read of lines that never ended."""
        return self._joiner.rest()

    def close(self) -> None:
        """Lets go of the files."""
        for fd in (self._fd, *self._ahead):
            if fd >= 0:
                os.close(fd)
        self._fd, self._ahead = -1, []

    def _read_file(self) -> Iterator[Run]:
        while self._fd >= 0 and self._left > 0 and (chunk := os.read(self._fd, _CHUNK_BYTES)):
            self._left -= len(chunk)
            block, self._rest = whole_records(self._rest, chunk)
            yield from self._joiner.feed(block)

    def _open_next(self) -> int | None:
        """The file that follows the present one, None while there is none; the oldest one if it was rotated away."""
        if self._fd < 0:
            return None
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
