"""Tidies a freshly bootstrapped system into a layer that suits containers: the same packages give the same files."""

import os
import stat
from contextlib import suppress

from engine.errors import SyscallError
from engine.images.trees import walk_tree
from engine.syscalls import Resolve, openat2

_NANOSECONDS = 1_000_000_000
_DAY = 86400 * _NANOSECONDS

# Directories that lose their files but keep their directories, which packages expect.
_EMPTIED = ("dev", "run", "tmp", "var/cache/apt", "var/cache/ldconfig", "var/lib/apt/lists", "var/log", "var/tmp")
_REMOVED = (
    "etc/passwd-",
    "etc/group-",
    "etc/shadow-",
    "etc/gshadow-",
    "etc/subuid-",
    "etc/subgid-",
    "etc/.pwd.lock",
    "var/cache/debconf/config.dat-old",
    "var/cache/debconf/templates.dat-old",
    "var/lib/dpkg/diversions-old",
    "var/lib/dpkg/status-old",
    "var/lib/dpkg/statoverride-old",
)

# Maintainer scripts must not start services in a container: nobody would stop them (policy-rc.d(8)).
_POLICY = "#!/bin/sh\nexit 101\n"
# A build that is cut off starts again: syncing every file of every package buys nothing.
_DPKG = "force-unsafe-io\n"
# What apt can download or compute again has no place in a layer.
_APT = """\
Acquire::Languages "none";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb"; };
"""
_WRITTEN = (
    ("etc/hostname", "", 0o644),
    ("etc/hosts", "", 0o644),
    ("etc/resolv.conf", "", 0o644),
    ("usr/sbin/policy-rc.d", _POLICY, 0o755),
    ("etc/dpkg/dpkg.cfg.d/windlass", _DPKG, 0o644),
    ("etc/apt/apt.conf.d/windlass", _APT, 0o644),
)
_MACHINE_ID = "etc/machine-id"  # systemd makes one when the file is empty


def tidy(tree: int, started_ns: int, sources: str = "") -> int:
    """Tidies the tree behind a descriptor; returns the newest time (nanoseconds) that came with a package.

    Times after `started_ns`, when the bootstrap began, become that one. `sources` replaces apt's list, unless empty.
    """
    for path in _EMPTIED:
        directory = _opened(tree, path)
        try:
            walk_tree(directory, _remove_file)
        finally:
            os.close(directory)
    for path in _REMOVED:
        _remove(tree, path)
    for path, content, mode in _WRITTEN:
        _write(tree, path, content, mode)
    if sources:
        _write(tree, "etc/apt/sources.list", sources, 0o644)
    if _remove(tree, _MACHINE_ID):
        _write(tree, _MACHINE_ID, "", 0o444)
    newest_ns = _newest(tree, started_ns)
    _clamp_passwords(tree, started_ns // _DAY, newest_ns // _DAY)
    _clamp_times(tree, started_ns, newest_ns)
    return newest_ns


def _newest(tree: int, started_ns: int) -> int:
    newest = 0

    def note(_directory: int, _name: str, status: os.stat_result) -> None:
        nonlocal newest
        if status.st_mtime_ns <= started_ns:
            newest = max(newest, status.st_mtime_ns // _NANOSECONDS * _NANOSECONDS)

    walk_tree(tree, note)
    return newest


def _clamp_passwords(tree: int, started_day: int, newest_day: int) -> None:
    """Replaces the day on which accounts were made (shadow(5), third field)."""
    try:
        file = openat2(tree, "etc/shadow", os.O_RDWR, Resolve.BENEATH | Resolve.NO_SYMLINKS)
    except SyscallError:
        return
    with os.fdopen(file, "r+b", buffering=0) as shadow:
        lines = [line.split(b":") for line in shadow.read().splitlines()]
        for fields in lines:
            if len(fields) > 2 and fields[2].isdigit() and int(fields[2]) >= started_day:
                fields[2] = b"%d" % newest_day
        shadow.seek(0)
        shadow.truncate()
        shadow.write(b"".join(b":".join(fields) + b"\n" for fields in lines))


def _clamp_times(tree: int, started_ns: int, newest: int) -> None:
    def clamp(directory: int, name: str, status: os.stat_result) -> None:
        if status.st_mtime_ns > started_ns:
            os.utime(name, ns=(newest, newest), dir_fd=directory, follow_symlinks=False)

    walk_tree(tree, clamp)


def _remove_file(directory: int, name: str, status: os.stat_result) -> None:
    if not stat.S_ISDIR(status.st_mode):
        os.unlink(name, dir_fd=directory)


def _opened(tree: int, path: str) -> int:
    flags = os.O_RDONLY | os.O_DIRECTORY
    return openat2(tree, path, flags, Resolve.IN_ROOT | Resolve.NO_MAGICLINKS)


def _remove(tree: int, path: str) -> bool:
    parent, _, name = path.rpartition("/")
    directory = _opened(tree, parent)
    try:
        os.unlink(name, dir_fd=directory)
    except FileNotFoundError:
        return False
    finally:
        os.close(directory)
    return True


def _write(tree: int, path: str, content: str, mode: int) -> None:
    parent, _, name = path.rpartition("/")
    directory = _opened(tree, parent)
    try:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=directory)
        file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode, dir_fd=directory)
        try:
            os.write(file, content.encode())
            os.fchmod(file, mode)
        finally:
            os.close(file)
    finally:
        os.close(directory)
