import tarfile

from engine.images.tarheaders import CHARACTER_DEVICE, FILE, Entry, header


def test_a_plain_entry_is_one_ustar_block() -> None:
    block = header(Entry(b"usr/bin/true", FILE, 0o755, 1, 2, 1_000_000, 5))

    assert len(block) == 512
    assert block[:12] == b"usr/bin/true"
    assert block[100:148] == b"0000755\x000000001\x000000002\x0000000000005\x0000003641100\x00"
    assert block[148:157] == b"011510\x00 0"
    assert block[257:265] == b"ustar\x0000"


def test_what_is_too_large_for_ustar_becomes_a_pax_record() -> None:
    blocks = header(Entry(b"f", FILE, 0o644, 2**32 - 2, 3_000_000, 2**34, 9 * 2**30, extended={"user.note": b"\0\n"}))

    records = blocks[512:1024].rstrip(b"\0")
    assert records == (
        b"29 SCHILY.xattr.user.note=\x00\n\n"
        b"15 gid=3000000\n21 mtime=17179869184\n19 size=9663676416\n18 uid=4294967294\n"
    )


def test_an_ordinary_tar_reader_reads_devices() -> None:
    block = header(Entry(b"null", CHARACTER_DEVICE, 0o666, 0, 0, 0, device=(1, 3)))

    member = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
    assert (member.name, member.devmajor, member.devminor, member.mode) == ("null", 1, 3, 0o666)
