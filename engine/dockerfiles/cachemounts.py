"""Keeps the directories that commands mount as caches (`RUN --mount=type=cache`)."""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.directories import make_private
from engine.dockerfiles.runmounts import RunMount

_DATA = "data"


class CacheMounts:
    """The directories below `root`: one for each id, more where one at a time may be used and several are wanted."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @contextmanager
    def used(self, mount: RunMount, fill: Callable[[Path], None], on_wait: Callable[[], None]) -> Iterator[Path]:
        """While the block runs, the directory of a mount's id is held; a new one is filled first.

        If somebody holds it, a `locked` one is waited for, after `on_wait` was called; a `private` one is another.
        """
        number = 0
        while True:
            home = self._root / hashlib.sha256(f"{mount.id}\0{number}".encode()).hexdigest()
            make_private(home)
            handle = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
            try:
                if mount.sharing == "private" and not _locked(handle, fcntl.LOCK_EX | fcntl.LOCK_NB):
                    number += 1
                    continue
                if mount.sharing == "locked" and not _locked(handle, fcntl.LOCK_EX | fcntl.LOCK_NB):
                    on_wait()
                    fcntl.flock(handle, fcntl.LOCK_EX)
                if mount.sharing == "shared" and not (home / _DATA).exists():
                    fcntl.flock(handle, fcntl.LOCK_EX)
                _ensure(home / _DATA, mount, fill)
                if mount.sharing == "shared":
                    fcntl.flock(handle, fcntl.LOCK_SH)
                os.utime(home)
                yield home / _DATA
                return
            finally:
                os.close(handle)


def _locked(handle: int, operation: int) -> bool:
    try:
        fcntl.flock(handle, operation)
    except BlockingIOError:
        return False
    return True


def _ensure(data: Path, mount: RunMount, fill: Callable[[Path], None]) -> None:
    if data.exists():
        return
    draft = data.with_name("draft")
    draft.mkdir(exist_ok=True)
    fill(draft)
    os.chown(draft, mount.uid, mount.gid)
    draft.chmod(mount.mode)
    draft.rename(data)
