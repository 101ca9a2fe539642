"""What grows without end is stopped before it does harm, and work grows with a layer's size, not faster."""

import gzip
import math
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard

from engine.errors import ImageError
from engine.images.jail import Jail
from engine.images.unpacking import unpack
from tests.hostile_layers import header

MIB = 1 << 20
BIG_FILE = header(size=b"\x80" + bytes(6) + (1 << 33).to_bytes(5, "big"))


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="wl-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as place:
        yield Path(place)


def refusal(packed: bytes, home: Path, tmp_path: Path) -> str:
    blob = os.memfd_create("blob")
    handle = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.write(blob, packed)
        with Jail(tmp_path / "cache") as jail, pytest.raises(ImageError) as refused:
            jail.unpack(blob, handle)
    finally:
        os.close(blob)
        os.close(handle)
    return refused.value.message


def test_zeros_packed_a_thousandfold_are_stopped_at_two_hundred(home: Path, tmp_path: Path) -> None:
    zeros = gzip.compress(bytes(16 * MIB))
    packed = gzip.compress(BIG_FILE) + zeros * 64  # a GiB in one MiB
    assert "more than 200 times its packed size" in refusal(packed, home, tmp_path)
    assert (home / "tree" / "f").stat().st_size <= 200 * len(packed)


def test_zeros_packed_by_zstd_are_stopped_as_soon(home: Path, tmp_path: Path) -> None:
    packed = zstandard.compress(BIG_FILE + bytes(256 * MIB))
    assert "more than 200 times its packed size" in refusal(packed, home, tmp_path)
    assert (home / "tree" / "f").stat().st_size <= 100 * MIB


def test_a_zstd_window_of_two_gibibytes_is_not_opened(home: Path, tmp_path: Path) -> None:
    window = (21 << 3).to_bytes(1, "little")  # 2 ** (10 + 21) bytes, RFC 8878
    raw_block = (512 << 3 | 1).to_bytes(3, "little") + header()
    packed = b"\x28\xb5\x2f\xfd" + b"\0" + window + raw_block
    assert "zstd stream is damaged" in refusal(packed, home, tmp_path)


def test_a_packed_archive_in_a_packed_archive_is_no_archive(home: Path, tmp_path: Path) -> None:
    assert "no tar archive" in refusal(gzip.compress(gzip.compress(os.urandom(2000))), home, tmp_path)


def seconds(count: int, home: Path) -> float:
    """Processor time that so many deleted files in nested directories take."""
    names = (b"d%d/e%d/.wh.f%d\0" % (number // 1000 % 10, number // 10_000, number) for number in range(count))
    blob = os.memfd_create("blob")
    with os.fdopen(os.dup(blob), "wb") as archive:
        archive.writelines(header(name=name) for name in names)
    (home / "layer").mkdir()
    handle = os.open(home / "layer", os.O_RDONLY | os.O_DIRECTORY)
    began = time.process_time()
    unpack(blob, handle)
    taken = time.process_time() - began
    os.close(handle)
    os.close(blob)
    shutil.rmtree(home / "layer")
    return taken


def test_deleted_files_take_time_by_their_number(home: Path) -> None:
    few = min(seconds(4_000, home) for _ in range(3))
    many = min(seconds(32_000, home) for _ in range(2))
    assert math.log(many / few) / math.log(8) < 1.2
