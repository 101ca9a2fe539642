"""Files that come from a registry piece by piece: what has arrived stays, so that the next attempt goes on from there.

A download lies in a file named by its digest and is locked by whoever works on it: who comes second waits, and finds
either the finished work or what is left of it.
"""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NoReturn

from engine.directories import make_private
from engine.errors import ImageError
from engine.images.places import hexadecimal
from engine.registries.access import Access
from engine.registries.manifests import Descriptor
from engine.registries.patience import Patience
from engine.registries.wire import Answer, UnreachableError

_CHUNK = 1 << 20
_PROGRESS_BYTES = 1 << 20
_FORGOTTEN_SECONDS: Final = 86_400.0


@contextmanager
def download_file(directory: Path, digest: str) -> Iterator[int]:
    """The open file of a download, ours alone while the block runs. It goes when the block ends well."""
    make_private(directory)
    path = directory / hexadecimal(digest)
    file = _locked(path)
    try:
        yield file
        path.unlink(missing_ok=True)
    finally:
        os.close(file)


def fetch(
    access: Access,
    descriptor: Descriptor,
    file: int,
    *,
    patience: Patience,
    on_bytes: Callable[[int], None],
) -> None:
    """Completes a file to the blob that a descriptor names; `on_bytes` is told how many bytes there are.

    ImageError when the registry has it not, or sends another; the file is empty then. UnreachableError when the
    connection breaks off too often; what has arrived stays.
    """
    download = _Download(access, descriptor, file, on_bytes)
    _require_space(file, descriptor, download.there)
    failures = 0
    while download.there < descriptor.size:
        before = download.there
        try:
            download.go_on()
        except UnreachableError as error:
            failures = failures + 1 if download.there - before < _PROGRESS_BYTES else 1
            if download.there < descriptor.size:
                patience.wait(failures, error)
    download.verify()


def _require_space(file: int, descriptor: Descriptor, there: int) -> None:
    found = os.fstatvfs(file)
    free, wanted = found.f_bavail * found.f_frsize, descriptor.size - there
    if wanted > free:
        raise ImageError(
            f"there is no space for {descriptor.digest}: {wanted:,} bytes are to come, {free:,} are free",
            hint="windlass image prune removes what nobody uses",
        )


class _Download:
    """A file that grows to a blob; `there` counts the bytes that have arrived, this time or earlier."""

    def __init__(self, access: Access, descriptor: Descriptor, file: int, on_bytes: Callable[[int], None]) -> None:
        self._access = access
        self._descriptor = descriptor
        self._file = file
        self._on_bytes = on_bytes
        self._digest = hashlib.sha256()
        self.there = 0
        if os.fstat(file).st_size > descriptor.size:
            os.ftruncate(file, 0)
        os.lseek(file, 0, os.SEEK_SET)
        while piece := os.read(file, _CHUNK):
            self._digest.update(piece)
            self.there += len(piece)

    def go_on(self) -> None:
        """Asks for what is missing, and writes what comes."""
        for piece in _pieces(self._access, self._descriptor, self.there):
            if piece is None:  # the registry begins at the beginning
                self._start_again()
                continue
            self.there += len(piece)
            if self.there > self._descriptor.size:
                self._refuse("more bytes than it announced")
            self._digest.update(piece)
            self._write(piece)
            self._on_bytes(self.there)
        if self.there < self._descriptor.size:
            self._refuse(f"only {self.there:,} of {self._descriptor.size:,} bytes")

    def _write(self, piece: bytes) -> None:
        left = memoryview(piece)
        try:
            while left:
                left = left[os.write(self._file, left) :]
        except OSError as error:
            raise ImageError(
                f"{self._descriptor.digest} cannot be kept: {error.strerror}",
                hint="what has arrived stays: pull again when there is space",
            ) from error

    def verify(self) -> None:
        """ImageError unless the content is what its digest names."""
        if f"sha256:{self._digest.hexdigest()}" != self._descriptor.digest:
            self._refuse("other content than its digest names")

    def _start_again(self) -> None:
        os.ftruncate(self._file, 0)
        os.lseek(self._file, 0, os.SEEK_SET)
        self._digest, self.there = hashlib.sha256(), 0

    def _refuse(self, what: str) -> NoReturn:
        os.ftruncate(self._file, 0)
        raise ImageError(
            f"the registry {self._access.registry} sent {what}: {self._descriptor.digest}",
            hint="nothing of it was kept; the image may be damaged there",
        )


def sweep(directory: Path, now: float) -> None:
    """Removes downloads that nobody has gone on with for a day."""
    with suppress(FileNotFoundError):
        for path in directory.iterdir():
            if now - path.stat().st_mtime >= _FORGOTTEN_SECONDS:
                _remove_idle(path)


def forget(directory: Path, digest: str) -> None:
    """Removes what is left of a download that is not needed any more, unless somebody works on it."""
    _remove_idle(directory / hexadecimal(digest))


def _remove_idle(path: Path) -> None:
    try:
        file = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    except BlockingIOError:
        return
    finally:
        os.close(file)


def _pieces(access: Access, descriptor: Descriptor, there: int) -> Iterator[bytes | None]:
    """The blob from an offset on; None when it comes from its beginning instead."""
    headers = {"Range": f"bytes={there}-"} if there else {}
    answer = access.ask("GET", f"{access.repository}/blobs/{descriptor.digest}", headers)
    try:
        if there and not _continues(answer, there):
            if answer.status != 200:
                raise UnreachableError(f"the registry {access.registry} does not go on with a download")
            yield None
        if answer.status not in {200, 206}:
            raise ImageError(
                f"the registry {access.registry} does not have {descriptor.digest} (HTTP {answer.status})",
                hint="the image is damaged there: push it again",
            )
        yield from answer.pieces()
    finally:
        answer.close()


def _continues(answer: Answer, there: int) -> bool:
    return answer.status == 206 and answer.header("Content-Range").startswith(f"bytes {there}-")


def _locked(path: Path) -> int:
    """Opens a file and waits until it is ours; one that its last owner has removed is made anew."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file), path.stat()):
                    return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)
