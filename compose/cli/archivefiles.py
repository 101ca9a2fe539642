"""Where archives are written to and read from: files, or our own output and input."""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from compose.cli.streams import OutputError, UnreadError
from compose.errors import StackError, UsageError

STREAM = ("", "-")


@contextmanager
def written(path: str, verb: str) -> Iterator[int]:
    """A descriptor to write an archive to: our output, or a file that is there only once the block has ended well."""
    if path in STREAM:
        if os.isatty(1):
            raise UsageError("an archive is nothing for a terminal", hint=f"{verb} -o FILE, or a pipe: > it.tar")
        sys.stdout.flush()
        try:
            yield 1
        except BrokenPipeError as error:
            raise UnreadError(*error.args) from None
        return
    if not _is_replaceable(path):
        with _opened(path, os.O_WRONLY) as file:
            yield file
        return
    draft = f"{path}.{os.urandom(4).hex()}.unfinished"
    try:
        with _opened(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL) as file:
            yield file
        os.replace(draft, path)  # noqa: PTH105 - as typed
    except OSError as error:
        if isinstance(error, OutputError) or error.filename not in {None, draft}:
            raise
        raise StackError(f"cannot write {path}: {error.strerror}", hint="make room, or write elsewhere") from error
    finally:
        with suppress(OSError):
            os.unlink(draft)  # noqa: PTH108 - likewise


@contextmanager
def read(path: str, what: str) -> Iterator[int]:
    """A descriptor to read an archive from: our input, or a file."""
    if path in STREAM:
        if os.isatty(0):
            raise UsageError(f"{what} is expected on our input", hint="name a file, or pipe one in: < it.tar")
        yield 0
        return
    with _opened(path, os.O_RDONLY) as file:
        yield file


def _is_replaceable(path: str) -> bool:
    try:
        return stat.S_ISREG(Path(path).stat().st_mode)
    except FileNotFoundError:
        return True
    except OSError as error:
        raise StackError(f"cannot write {path}: {error.strerror}", hint="check the path") from error


@contextmanager
def _opened(path: str, flags: int) -> Iterator[int]:
    try:
        file = os.open(path, flags | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StackError(f"cannot open {path}: {error.strerror}", hint="check the path") from error
    try:
        yield file
    finally:
        os.close(file)
