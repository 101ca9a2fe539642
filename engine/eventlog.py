"""What happened to a stack's containers: a line of JSON each, in a file that is bounded.

The supervisor alone writes; everybody may read at any time. When a file has grown to its bound it becomes `events.1`,
and the one before it is gone.
"""

import os
from pathlib import Path

import msgspec

from engine.protocol import Event

ROTATE_BYTES = 256 << 10
_CHUNK_BYTES = 1 << 16
_NAME, _OLD_NAME = "events", "events.1"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Event).decode


class EventWriter:
    """Appends events; the file is made with the first one."""

    def __init__(self, directory: Path, *, rotate_bytes: int = ROTATE_BYTES) -> None:
        self._path = directory / _NAME
        self._old_path = directory / _OLD_NAME
        self._rotate_bytes = rotate_bytes
        self._fd = -1
        self._size = 0

    def write(self, event: Event) -> None:
        """Appends an event, without the container's record. Raises OSError."""
        line = _encode(msgspec.structs.replace(event, record=None)) + b"\n"
        if self._fd >= 0 and self._size + len(line) > self._rotate_bytes:
            self.close()
            self._path.rename(self._old_path)
        if self._fd < 0:
            self._fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._size = os.fstat(self._fd).st_size
        self._size += os.write(self._fd, line)

    def close(self) -> None:
        """Lets go of the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class EventReader:
    """Reads events as they were written, through every rotation; the directory need not be there."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / _NAME
        self._old_path = directory / _OLD_NAME
        self._fd = -1
        self._rest = b""

    def history(self) -> list[Event]:
        """All that is known so far. What comes later is `news`."""
        self._open()
        older: list[Event] = []
        try:
            old_fd = os.open(self._old_path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return self.news()
        try:
            if self._fd < 0 or not os.path.sameopenfile(old_fd, self._fd):
                older = _events(_read_all(old_fd).split(b"\n"))
        finally:
            os.close(old_fd)
        return older + self.news()

    def skip(self) -> None:
        """Leaves out what was written so far."""
        self._open()
        if self._fd >= 0:
            os.lseek(self._fd, 0, os.SEEK_END)

    def news(self) -> list[Event]:
        """What was written since the last call."""
        found: list[Event] = []
        while self._fd >= 0 or self._open():
            found += self._read()
            if self._is_current():
                break
            found += self._read()  # what came before the file was put aside
            self.close()
        return found

    def close(self) -> None:
        """Lets go of the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        self._rest = b""

    def _open(self) -> bool:
        if self._fd < 0:
            try:
                self._fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                return False
        return True

    def _read(self) -> list[Event]:
        *lines, self._rest = (self._rest + _read_all(self._fd)).split(b"\n")
        return _events(lines)

    def _is_current(self) -> bool:
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._fd))
        except OSError:
            return False


def _read_all(fd: int) -> bytes:
    chunks = []
    while chunk := os.read(fd, _CHUNK_BYTES):
        chunks.append(chunk)
    return b"".join(chunks)


def _events(lines: list[bytes]) -> list[Event]:
    """The events of some lines; what is damaged, or of another version, is left out."""
    found = []
    for line in lines:
        try:
            found.append(_decode(line))
        except (msgspec.MsgspecError, UnicodeError):
            continue
    return found
