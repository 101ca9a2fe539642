"""Waits for news of a stack that may not be there yet, without polling."""

import contextlib
import errno
import os
import select
from pathlib import Path

from engine import syscalls
from engine.errors import StateError, SyscallError

_IN_MODIFY = 0x002
_IN_MOVED_TO = 0x080
_IN_CREATE = 0x100
_IN_DELETE_SELF = 0x400
_IN_ONLYDIR = 0x01000000
_MASK = _IN_MODIFY | _IN_MOVED_TO | _IN_CREATE | _IN_DELETE_SELF | _IN_ONLYDIR
_EVENTS_BYTES = 1 << 16


class DirectoryWatch:
    """Notices when files of a directory change; until it is made, when one above it gets an entry. See inotify(7)."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        try:
            self._inotify = syscalls.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        except SyscallError as error:
            raise StateError(
                "cannot wait for events: no inotify instance is left",
                hint="raise the sysctl fs.inotify.max_user_instances",
            ) from error
        self._watch()

    def wait(self, seconds: float | None) -> bool:
        """Returns when something may have changed since the last call; False when the time is over before."""
        ready, _, _ = select.select([self._inotify], [], [], seconds)
        if ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._inotify, _EVENTS_BYTES)
            self._watch()
        return bool(ready)

    def close(self) -> None:
        """Lets go of everything."""
        os.close(self._inotify)

    def _watch(self) -> None:
        """Watches the directory, or the nearest one above that is there; to watch one twice changes nothing."""
        for directory in (self._directory, *self._directory.parents):
            try:
                syscalls.inotify_add_watch(self._inotify, directory, _MASK)
            except SyscallError as error:
                if error.errno in {errno.ENOENT, errno.ENOTDIR}:
                    continue
                hint = "raise the sysctl fs.inotify.max_user_watches" if error.errno == errno.ENOSPC else ""
                raise StateError(f"cannot wait for events: {error.message}", hint=hint) from error
            if directory == self._directory or not _child_towards(self._directory, directory).is_dir():
                return
            self._watch()  # it was made meanwhile
            return


def _child_towards(path: Path, above: Path) -> Path:
    """The entry of a directory that leads to a path below it."""
    return above / path.relative_to(above).parts[0]
