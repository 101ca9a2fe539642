"""Finds a container's program and says in plain words why it cannot run.

Runs inside the container, as its user: what that user may not see or execute does not count.
"""

import os
import stat
from collections.abc import Mapping, Sequence
from errno import EACCES, ELOOP, ENOENT, ENOEXEC, ENOTDIR, EPERM
from pathlib import Path
from typing import NoReturn

from engine import syscalls
from engine.errors import StartError, SyscallError
from engine.syscalls import Resolve

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_STAGE = "program"
_NOT_FOUND = 127
_NOT_EXECUTABLE = 126
_MOST_INTERPRETERS = 6


def environment(wanted: Mapping[str, str], hostname: str, home: str) -> dict[str, str]:
    """What is wanted, and the variables that every program expects."""
    return {"PATH": DEFAULT_PATH, "HOSTNAME": hostname, "HOME": home, **wanted}


def find(name: str, search_path: str) -> str:
    """Returns the path of a program as a shell would find it; StartError with 127 or 126 when there is none."""
    if not name:
        raise StartError("the command is empty", stage=_STAGE, exit_code=_NOT_FOUND, hint="give it a program's name")
    if "/" in name:
        _check(name)
        return name
    refused: StartError | None = None
    for directory in search_path.split(":"):
        candidate = f"{directory or '.'}/{name}"
        try:
            _check(candidate)
        except StartError as error:
            if error.exit_code == _NOT_EXECUTABLE and refused is None:
                refused = error
            continue
        return candidate
    if refused is not None:
        raise refused
    raise StartError(
        f'cannot start "{name}": not found in the image\'s PATH ({search_path})',
        stage=_STAGE,
        errno=ENOENT,
        exit_code=_NOT_FOUND,
        hint="check the spelling, or install the program in the image",
    )


def require_own(path: str) -> None:
    """Raises StartError for a program, or what loads it, that is found through a link of /proc: it may be the host's.

    Where a container has the ids of the host, it could write to whatever program it makes us execute that way.
    """
    for _ in range(_MOST_INTERPRETERS):
        try:
            os.close(syscalls.openat2(syscalls.AT_FDCWD, path, os.O_PATH, Resolve.NO_MAGICLINKS))
        except SyscallError as error:
            if error.errno == ELOOP:
                raise _refused(path, "it is a link into /proc", ELOOP) from error
            return
        path = _interpreter(path)
        if not path:
            return


def execute(path: str, argv: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Becomes the program; StartError with 126 or 127 when the kernel refuses it."""
    try:
        os.execve(path, list(argv), dict(environment))  # noqa: S606 -- that is what it is for
    except OSError as error:
        raise _explain(path, error) from error
    except ValueError as error:
        raise StartError(f'cannot start "{path}": {error}', stage=_STAGE, exit_code=_NOT_EXECUTABLE) from error


def _check(path: str) -> None:
    """Returns quietly when `path` is a program that this user may execute."""
    try:
        found = Path(path).stat()
    except OSError as error:
        if error.errno in {ENOENT, ENOTDIR}:
            raise StartError(
                f'cannot start "{path}": there is no such file in the image',
                stage=_STAGE,
                errno=ENOENT,
                exit_code=_NOT_FOUND,
                hint="check the path, or add the program to the image",
            ) from error
        raise _refused(path, os.strerror(error.errno or 0), error.errno or 0) from error
    if stat.S_ISDIR(found.st_mode):
        raise _refused(path, "it is a directory", EACCES)
    if not os.access(path, os.X_OK):
        raise _refused(
            path, f"it is not executable by this user (mode {stat.S_IMODE(found.st_mode):04o})", EACCES, "chmod +x it"
        )


def _explain(path: str, error: OSError) -> StartError:
    errno = error.errno or 0
    if errno == ENOENT:
        needed = _interpreter(path)
        if needed:
            windows = needed.endswith("\\r")
            hint = "it has the line endings of Windows: convert it" if windows else f"add {needed} to the image"
            return _refused(path, f"its interpreter {needed} is not in the image", errno, hint)
        return _refused(path, "what loads it is not in the image", errno, "build it for the image's own C library")
    if errno == ENOEXEC:
        return _refused(
            path,
            "it is no program for this machine",
            errno,
            "a script needs a first line such as #!/bin/sh, a binary must be built for this architecture",
        )
    if errno in {EACCES, EPERM}:
        needed = _interpreter(path)
        why = f"its interpreter {needed} is not executable" if needed else "permission denied"
        return _refused(path, why, errno, "is it on a mount without execution?")
    return _refused(path, os.strerror(errno), errno)


def _interpreter(path: str) -> str:
    """What the first line or the ELF header names; empty when nothing can be read."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return ""
    try:
        head = os.read(fd, 4096)
    except OSError:
        return ""
    finally:
        os.close(fd)
    if head.startswith(b"#!"):
        line = head[2:].split(b"\n", 1)[0].replace(b"\t", b" ").strip(b" ")
        return line.split(b" ", 1)[0].decode("utf-8", "replace").replace("\r", "\\r")
    return _elf_interpreter(head)


def _elf_interpreter(head: bytes) -> str:
    """The path in an ELF64 file's PT_INTERP header, when it lies in the first page; see elf(5)."""
    if head[:5] != b"\x7fELF\x02":
        return ""
    offset = int.from_bytes(head[32:40], "little")
    size, count = int.from_bytes(head[54:56], "little"), int.from_bytes(head[56:58], "little")
    for at in range(offset, offset + size * min(count, 64), size or 1):
        if int.from_bytes(head[at : at + 4], "little") == _PT_INTERP:
            start = int.from_bytes(head[at + 8 : at + 16], "little")
            return head[start:].split(b"\0", 1)[0].decode("utf-8", "replace")
    return ""


def _refused(path: str, why: str, errno: int, hint: str = "") -> StartError:
    return StartError(f'cannot start "{path}": {why}', stage=_STAGE, errno=errno, exit_code=_NOT_EXECUTABLE, hint=hint)


_PT_INTERP = 3
