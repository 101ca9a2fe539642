"""Keeps named volumes on disk: <volumes>/<name>/ with volume.json, _data/ and, once its content is settled, filled.

Everything lies below a root-only directory, with the ids that containers see: setuid files of a volume are out of
reach of the host's users, whoever wrote them.
"""

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import ENOENT, EXDEV
from pathlib import Path

import msgspec

from engine.directories import make_private
from engine.errors import SyscallError, VolumeError

_NAME = r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}"
_RECORD = "volume.json"
_DATA = "_data"
_FILLED = "filled"
_UNFINISHED = "."
SETTLED = b"1"


class VolumeRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a volume. `project` is the stack that made it, empty for a volume made by hand.

    `options` are the local driver's (type, device, o); see engine.volumemounts.
    """

    name: str
    created_ns: int
    project: str = ""
    labels: dict[str, str] = {}
    options: dict[str, str] = {}


class Volume(msgspec.Struct, frozen=True, kw_only=True):
    """One volume: its record, and the directory that holds everything of it."""

    record: VolumeRecord
    directory: Path

    @property
    def data(self) -> Path:
        """What containers see."""
        return self.directory / _DATA

    @property
    def filled(self) -> bool:
        """Whether nothing of an image is to be copied into it any more."""
        return filled_marker(self.data).read_bytes() == SETTLED


ANONYMOUS = "com.docker.volume.anonymous"
"""The label of a volume that no file names."""


class VolumeStore:
    """The volumes below one directory."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def ensure(
        self,
        name: str,
        labels: dict[str, str] | None = None,
        project: str = "",
        options: dict[str, str] | None = None,
    ) -> Volume:
        """Returns the volume, made empty if it is missing. Whoever comes second finds the first one's."""
        found = self.find(name)
        if found is not None:
            return found
        record = VolumeRecord(
            name=name, created_ns=time.time_ns(), project=project, labels=labels or {}, options=options or {}
        )
        draft = self._root / f"{_UNFINISHED}new-{name}"
        try:
            make_private(self._root)
            with self._alone() as volumes:
                found = self.find(name)
                if found is not None:
                    return found
                (draft / _DATA).mkdir(parents=True)
                (draft / _DATA).chmod(0o755)
                (draft / _FILLED).touch()
                with (draft / _RECORD).open("wb") as file:
                    file.write(msgspec.json.encode(record))
                    file.flush()
                    os.fsync(file.fileno())
                draft.rename(self._root / name)
                os.fsync(volumes)
        except OSError as error:
            raise VolumeError(f"cannot make the volume {name}: {error.strerror}") from error
        return Volume(record=record, directory=self._root / name)

    def find(self, name: str) -> Volume | None:
        """Returns the volume, or None when there is none."""
        if not re.fullmatch(_NAME, name):
            raise VolumeError(
                f"{name!r} is no name of a volume",
                hint="use letters, digits, '_', '.' and '-', first a letter or digit",
            )
        directory = self._root / name
        try:
            record = msgspec.json.decode((directory / _RECORD).read_bytes(), type=VolumeRecord)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError, UnicodeError) as error:
            raise _unreadable(directory, str(error)) from error
        if record.name != name:
            raise _unreadable(directory, f"it is of another volume ({record.name})")
        return Volume(record=record, directory=directory)

    def list(self) -> tuple[Volume, ...]:
        """Returns every volume whose record can be read, sorted by name: a damaged one is told to who uses it."""
        if not self._root.exists():
            return ()
        found = []
        for name in sorted(entry.name for entry in self._root.iterdir() if re.fullmatch(_NAME, entry.name)):
            with suppress(VolumeError):
                found.append(self.find(name))
        return tuple(volume for volume in found if volume is not None)

    def remove(self, name: str) -> None:
        """Removes a volume with its data; nothing happens when there is none. Nobody may use it any more."""
        if self.find(name) is None:
            return
        doomed = self._root / f"{_UNFINISHED}old-{name}"
        try:
            with self._alone():
                (self._root / name).rename(doomed)  # from here on it is gone, even if removing is interrupted
                _remove_tree(doomed)
        except FileNotFoundError:
            return  # somebody else was first
        except OSError as error:
            raise VolumeError(f"cannot remove the volume {name}: {error.strerror}", hint=f"see {doomed}") from error

    def sweep(self) -> None:
        """Removes what a process left that died while it made or removed a volume."""
        if self._root.exists():
            with self._alone():
                pass

    @contextmanager
    def _alone(self) -> Iterator[int]:
        """Gives the directory; while the block runs, nobody else makes or removes volumes.

        What is unfinished before it has no maker.
        """
        handle = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            for entry in self._root.iterdir():
                if entry.name.startswith(_UNFINISHED):
                    _remove_tree(entry)
            yield handle
        finally:
            os.close(handle)


def filled_marker(data: Path) -> Path:
    """The file that holds SETTLED once a volume's content is settled, given the directory that containers see."""
    return data.parent / _FILLED


def is_mounted(data: Path) -> bool:
    """Whether something is mounted on a volume's data, be it another place of the same file system."""
    from engine import syscalls  # noqa: PLC0415 -- few volumes have options; ctypes takes long

    try:
        parent = os.open(data.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        own = syscalls.Resolve.NO_XDEV | syscalls.Resolve.NO_SYMLINKS
        os.close(syscalls.openat2(parent, data.name, os.O_PATH, own))
    except SyscallError as error:
        if error.errno == EXDEV:
            return True
        if error.errno == ENOENT:
            return False
        raise
    finally:
        os.close(parent)
    return False


def _may_be_mounted(directory: Path) -> bool:
    """Whether a volume has options, or a record that does not tell."""
    try:
        return bool(msgspec.json.decode((directory / _RECORD).read_bytes(), type=VolumeRecord).options)
    except FileNotFoundError:
        return False
    except (OSError, msgspec.MsgspecError, UnicodeError):
        return True


def _unreadable(directory: Path, reason: str) -> VolumeError:
    return VolumeError(
        f"the record of the volume {directory.name} cannot be read: {reason}",
        hint=f"its data are in {directory / _DATA}: move them away, remove {directory}, put them into a new volume",
    )


def _remove_tree(directory: Path) -> None:
    import shutil  # noqa: PLC0415 -- rarely needed, and slow to import

    if _may_be_mounted(directory):
        from engine import syscalls  # noqa: PLC0415 -- likewise

        while is_mounted(directory / _DATA):  # what is mounted there is not the volume's to remove
            syscalls.umount2(directory / _DATA, syscalls.MNT_DETACH)
    shutil.rmtree(directory)
