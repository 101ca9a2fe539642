"""Fuzzes the unpacker of layers (as root): nothing outside is touched, and what is taken comes out again to the bit.

An input is an archive whose headers' checksums are put right first, or a packed one; its first byte says which.
"""

import gzip
import hashlib
import os
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from tests.canary import Canary
from tests.fuzz.driving import drive, instrumented
from tests.hostile_layers import GROUPS

with instrumented("engine"):
    from engine.errors import ImageError
    from engine.images import recipes
    from engine.images.unpacking import unpack

PLAIN, MENDED, PACKED = b"\0", b"\1", b"\2"


def mended(archive: bytes) -> bytes:
    """The archive with right checksums, as far as its sizes lead from header to header."""
    whole = bytearray(archive)
    at = 0
    while at + 512 <= len(whole):
        block = whole[at : at + 512]
        if any(block):
            block[148:156] = b" " * 8
            whole[at + 148 : at + 156] = b"%06o\0 " % sum(block)
        digits = bytes(block[124:135]).strip(b" \0")
        size = int(digits, 8) if digits and not digits.strip(b"01234567") else 0
        at += 512 + min(size + -size % 512, len(whole))
    return bytes(whole)


class Ground:
    """A place to unpack in, among things that must stay as they are."""

    def __init__(self, around: Path) -> None:
        self._canary = Canary(around)
        self._home = self._canary.inside / "home"

    def check(self, data: bytes) -> None:
        kind, archive = data[:1], data[1:]
        archive = mended(archive) if kind == MENDED else archive
        self._home.mkdir(mode=0o700)
        blob = os.memfd_create("blob")
        home = os.open(self._home, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.write(blob, archive)
            try:
                diff_id, facts = unpack(blob, home)
            except ImageError as error:
                assert error.message.isprintable()  # noqa: PT017 -- either end is right
            else:
                assert facts.highest_id < 2**32 - 1
                self._check_tree()
                digest = hashlib.sha256()
                assert recipes.follow(home, digest.update)
                assert diff_id == f"sha256:{digest.hexdigest()}"
                if kind == MENDED and not archive.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd")):
                    assert diff_id == f"sha256:{hashlib.sha256(archive).hexdigest()}"
        finally:
            os.close(blob)
            os.close(home)
            shutil.rmtree(self._home)
        self._canary.check()
        assert not self._left_open()

    def _check_tree(self) -> None:
        for folder, folders, files, handle in os.fwalk(self._home / "tree"):
            for name in (*folders, *files):
                found = os.stat(name, dir_fd=handle, follow_symlinks=False)
                if stat.S_ISCHR(found.st_mode) or stat.S_ISBLK(found.st_mode):
                    assert (stat.S_ISCHR(found.st_mode), found.st_rdev) == (True, 0), f"a device at {folder}/{name}"

    def _left_open(self) -> list[str]:
        left = []
        for name in os.listdir("/proc/self/fd"):
            with suppress(FileNotFoundError):  # the list's own
                left.append(os.readlink(f"/proc/self/fd/{name}"))  # noqa: PTH115 -- quick
        return [place for place in left if place.startswith((str(self._home), "/memfd:blob"))]


def main() -> None:
    """Begins with the hostile layers of the tests."""
    quick = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="windlass-fuzz-", dir=quick) as around:
        ground = Ground(Path(around))
        hostile = [each.archive for group in GROUPS.values() for each in group.values()]
        archives = [archive for archive in hostile if len(archive) < 30_000]
        seeds = [MENDED + archive for archive in archives]
        seeds += [PACKED + gzip.compress(archive) for archive in archives[::9]]
        drive(ground.check, [*seeds, PLAIN + archives[0]], longest=30_000)


if __name__ == "__main__":
    main()
