"""Layers that mean harm, each with what has to become of it: a refusal with its words, or a harmless tree.

The archives are small, so that fuzzers can begin with them; what needs size to do harm is made where it is tested.
"""

import io
import struct
import tarfile
from collections.abc import Mapping
from typing import NamedTuple

from tests.registry import archive, entry, file

LINK, HARD, DIRECTORY, FIFO = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE
_PLACES = {"name": 0, "mode": 100, "uid": 108, "gid": 116, "size": 124, "mtime": 136, "kind": 156, "link": 157}


class Hostile(NamedTuple):
    """An archive: `refused` is a pattern of the refusal's words; without it, `tree` lists what has to be there.

    A line of `tree` is a kind with a mode, an owner unless 0:0, a path, and what it leads to or contains.
    """

    archive: bytes
    refused: str = ""
    tree: tuple[str, ...] = ()


def header(**fields: bytes) -> bytes:
    """A raw header block of a file `f`, with fields of our own and a right checksum."""
    block = bytearray(tarfile.TarInfo("f").tobuf(tarfile.USTAR_FORMAT)[:512])
    for name, value in fields.items():
        block[_PLACES[name] : _PLACES[name] + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def pax(records: Mapping[bytes, bytes], kind: bytes = b"x") -> bytes:
    """A pax header with any records."""
    text = b""
    for key, value in records.items():
        rest = len(key) + len(value) + 3
        length = rest + len(str(rest))
        if rest + len(str(length)) != length:
            length += 1
        text += b"%d %s=%s\n" % (length, key, value)
    return extra(kind, text)


def extra(kind: bytes, text: bytes) -> bytes:
    """A header that says more of the next one, with any content."""
    return header(kind=kind, size=b"%011o\0" % len(text)) + text + bytes(-len(text) % 512)


def _gnu(*members: tarfile.TarInfo) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for member in members:
            tar.addfile(member)
    return written.getvalue()


def _with(attributes: Mapping[bytes, bytes], name: bytes = b"f") -> bytes:
    return pax({b"SCHILY.xattr." + key: value for key, value in attributes.items()}) + header(name=name)


_CAPABILITY_2 = struct.pack("<5I", 0x02000001, 0x400, 0, 0, 0)
_CAPABILITY_3 = struct.pack("<6I", 0x03000001, 0x400, 0, 0, 0, 1000)
_PIECE = "p" * 15 + "/"

NAMES = {
    "a name that leads out": Hostile(archive(file("../outside")), "leads out of the layer"),
    "a name that leads out later": Hostile(archive(file("a/../../outside")), "leads out of the layer"),
    "a name that leads out and in again": Hostile(archive(file("a/../b")), "leads out of the layer"),
    "a directory that leads out": Hostile(archive(entry("..", DIRECTORY)), "leads out of the layer"),
    "a pax name that leads out": Hostile(pax({b"path": b"x/../../y"}) + header(), "leads out of the layer"),
    "a long name that leads out": Hostile(extra(b"L", b"../outside\0") + header(), "leads out of the layer"),
    "an absolute name": Hostile(archive(file("/outside", b"x")), tree=("-0644 outside 'x'",)),
    "an absolute name with many slashes": Hostile(archive(file("///a//./b", b"x")), tree=("d0755 a", "-0644 a/b 'x'")),
    "a name of 255 bytes": Hostile(archive(file("n" * 255)), tree=("-0644 " + "n" * 255 + " ''",)),
    "a name of 256 bytes": Hostile(archive(file("n" * 256)), "File name too long"),
    "a path of 4096 bytes": Hostile(
        archive(entry(_PIECE * 256, DIRECTORY)), tree=tuple(f"d0755 {(_PIECE * n)[:-1]}" for n in range(1, 257))
    ),
    "a path of 5000 bytes": Hostile(archive(file("n/" * 2500)), "a name that no file can have"),
    "directories too deep": Hostile(archive(file("n/" * 600 + "x")), "more than 500 deep"),
    "a name with a zero byte": Hostile(pax({b"path": b"a\0b"}) + header(), "a name that no file can have"),
    "a link with a zero byte": Hostile(
        pax({b"linkpath": b"/etc\0x"}) + header(kind=b"2"), "a name that no file can have"
    ),
    "a name with a line's end": Hostile(archive(file("new\nline")), tree=("-0644 new\nline ''",)),
    "a name with a terminal's words": Hostile(archive(file("../\x1b[2J")), r"\\x1b\[2J' leads out"),
    "a name that is no text": Hostile(archive(file("\udcff")), tree=("-0644 \udcff ''",)),
    "no name": Hostile(header(name=b"\0"), "is no name for a file"),
    "a file in place of the root": Hostile(archive(file(".")), "is no name for a file"),
    "a link in place of the root": Hostile(archive(entry("./", LINK, "/etc")), "is no name for a file"),
    "the root as a directory": Hostile(archive(entry("/", DIRECTORY, mode=0o7777))),
    "a dot below a link": Hostile(archive(entry("l", LINK, "/etc"), file("l/./passwd", b"x")), "which is no directory"),
}
LINKS = {
    "a file below a link": Hostile(archive(entry("l", LINK, ".."), file("l/outside", b"x")), "which is no directory"),
    "a file below a link to /etc": Hostile(
        archive(entry("l", LINK, "/etc"), file("l/passwd", b"x")), "which is no directory"
    ),
    "a file below a link inside": Hostile(
        archive(entry("d", DIRECTORY), entry("l", LINK, "d"), file("l/f")), "which is no directory"
    ),
    "a file below a link below a directory": Hostile(
        archive(entry("d", DIRECTORY), entry("d/l", LINK, "../.."), file("d/l/outside")), "which is no directory"
    ),
    "a file below links in a circle": Hostile(
        archive(entry("a", LINK, "b"), entry("b", LINK, "a"), file("a/x")), "which is no directory"
    ),
    "a file below a link to itself": Hostile(archive(entry("a", LINK, "a"), file("a/x")), "which is no directory"),
    "a chain of links longer than a path may be": Hostile(
        archive(
            *(entry(_PIECE * 20 + f"l{number}", LINK, _PIECE * 20 + f"l{number + 1}") for number in range(20)),
            file(_PIECE * 20 + "l0/x"),
        ),
        "which is no directory",
    ),
    "a file through a link of the same name": Hostile(
        archive(entry("l", LINK, "/etc/passwd"), file("l", b"x")), tree=("-0644 l 'x'",)
    ),
    "a directory on a link to a directory": Hostile(
        archive(entry("l", LINK, "/etc"), entry("l", DIRECTORY, mode=0o700), file("l/f", b"x")),
        tree=("d0700 l", "-0644 l/f 'x'"),
    ),
    "a link to nothing": Hostile(archive(entry("l", LINK, "")), "cannot be written"),
    "a link out that nobody follows": Hostile(
        archive(entry("l", LINK, "../" * 50)), tree=("l0777 l -> " + "../" * 50,)
    ),
    "a setuid link": Hostile(archive(entry("l", LINK, "/etc/passwd", mode=0o4755)), tree=("l0777 l -> /etc/passwd",)),
    "a link of 4000 bytes": Hostile(archive(entry("l", LINK, "t" * 4000)), tree=("l0777 l -> " + "t" * 4000,)),
    "a link of 5000 bytes": Hostile(archive(entry("l", LINK, "t" * 5000)), "a name that no file can have"),
    "another name of a file outside": Hostile(archive(entry("h", HARD, "../outside")), "leads out of the layer"),
    "another name of an absolute file": Hostile(archive(entry("h", HARD, "/etc/passwd")), "which the layer lacks"),
    "another name through a link": Hostile(
        archive(entry("l", LINK, ".."), entry("h", HARD, "l/outside")), "which the layer lacks"
    ),
    "another name of a link out": Hostile(
        archive(entry("l", LINK, "/etc/passwd"), entry("h", HARD, "l"), file("h", b"x", 0o4755)),
        tree=("-4755 h 'x'", "l0777 l -> /etc/passwd"),
    ),
    "another name of a link, and a mode for it": Hostile(
        archive(entry("l", LINK, "/etc/passwd"), entry("h", HARD, "l", mode=0o777)),
        tree=("l0777 h -> /etc/passwd", "l0777 l -> /etc/passwd"),
    ),
    "another name of nothing": Hostile(archive(entry("h", HARD, "nothing")), "which the layer lacks"),
    "another name of the root": Hostile(archive(entry("h", HARD, "/")), "which the layer lacks"),
    "another name of itself": Hostile(archive(entry("h", HARD, "h")), "which the layer lacks"),
    "another name of a directory": Hostile(
        archive(entry("d", DIRECTORY), entry("h", HARD, "d")), "which the layer lacks"
    ),
    "another name of what was deleted": Hostile(archive(file(".wh.x"), entry("h", HARD, "x")), "which the layer lacks"),
    "another name of what goes with it": Hostile(
        archive(file("d/f", b"x"), entry("d", HARD, "d/f")), "which the layer lacks"
    ),
    "another name of something replaced": Hostile(
        archive(file("f"), entry("f", DIRECTORY), entry("h", HARD, "f")), "which the layer lacks"
    ),
    "another name of a file that goes later": Hostile(
        archive(file("f", b"x"), entry("h", HARD, "f"), entry("f", DIRECTORY)),
        tree=("d0755 f", "-0644 h 'x'"),
    ),
}
REPLACEMENTS = {
    "a file in place of a directory": Hostile(archive(file("a/b/c"), file("a", b"x")), tree=("-0644 a 'x'",)),
    "a directory in place of a file": Hostile(archive(file("a", b"x"), entry("a", DIRECTORY)), tree=("d0755 a",)),
    "a link in place of a directory": Hostile(
        archive(file("a/b"), entry("a", LINK, "/etc"), file("a/passwd")), "which is no directory"
    ),
    "a directory, a link and a directory": Hostile(
        archive(file("a/b"), entry("a", LINK, "/etc"), entry("a", DIRECTORY), file("a/passwd", b"x")),
        tree=("d0755 a", "-0644 a/passwd 'x'"),
    ),
    "a link in place of a directory that is written into": Hostile(
        archive(file("a/b/c"), entry("a/b", LINK, "/etc"), file("a/b/passwd")), "which is no directory"
    ),
    "a directory above in place of what is written into": Hostile(
        archive(file("a/b/c"), file("a", b"1"), entry("a", DIRECTORY), file("a/b/c", b"2")),
        tree=("d0755 a", "d0755 a/b", "-0644 a/b/c '2'"),
    ),
    "a pipe in place of a file": Hostile(archive(file("a", b"x"), entry("a", FIFO)), tree=("p0755 a",)),
    "a file below a file": Hostile(archive(file("f"), file("f/x")), "which is no directory"),
    "a file below a pipe": Hostile(archive(entry("p", FIFO), file("p/x")), "which is no directory"),
}
WHITEOUTS = {
    "all layers below hidden": Hostile(archive(file(".wh..wh..opq")), "hides all layers below"),
    "a deleted nothing": Hostile(archive(file(".wh.")), "marks no file"),
    "a deleted directory itself": Hostile(archive(file("d/.wh..")), "marks no file"),
    "a deleted parent": Hostile(archive(file("d/.wh...")), "marks no file"),
    "a deleted parent at the root": Hostile(archive(file(".wh...")), "marks no file"),
    "a file below a deleted one": Hostile(archive(file(".wh.d/x")), "marks a deleted file"),
    "a deleted file that is there": Hostile(archive(file("f", b"x"), file(".wh.f")), tree=("-0644 f 'x'",)),
    "a deletion through a link": Hostile(
        archive(entry("l", LINK, "/etc"), file("l/.wh.passwd")), "which is no directory"
    ),
    "hidden layers through a link": Hostile(
        archive(entry("l", LINK, "/etc"), file("l/.wh..wh..opq")), "which is no directory"
    ),
    "a deletion with content": Hostile(archive(file(".wh.f", b"content" * 100)), tree=("c0000 f 0:0",)),
    "an old file system's notes": Hostile(archive(file(".wh..wh.aufs"), file(".wh..wh.plnk/1.2", b"x"))),
}
KINDS = {
    "a device 0/0 that would delete": Hostile(archive(entry("f", tarfile.CHRTYPE))),
    "the machine's memory": Hostile(header(kind=b"3", name=b"mem") + bytes(1024)),
    "a disk": Hostile(archive(entry("sda", tarfile.BLKTYPE), file("sda2")), tree=("-0644 sda2 ''",)),
    "a pipe named passwd": Hostile(
        archive(entry("etc/passwd", FIFO, mode=0o644)), tree=("d0755 etc", "p0644 etc/passwd")
    ),
    "a setuid file": Hostile(archive(file("su", b"x", 0o6755)), tree=("-6755 su 'x'",)),
    "an unknown kind": Hostile(archive(entry("x", b"Z")), "of a kind that layers do not have"),
    "a device with content": Hostile(header(kind=b"3", size=b"00000001000\0"), "content where there can be none"),
    "a sparse file": Hostile(archive(entry("s", b"S")), "sparse file"),
    "a sparse file of 8 EiB": Hostile(
        pax({b"GNU.sparse.major": b"1", b"GNU.sparse.realsize": b"%d" % 2**63}) + header(), "sparse file"
    ),
}
ATTRIBUTES = {
    "overlayfs's attributes": Hostile(
        _with({b"trusted.overlay.redirect": b"/etc", b"trusted.overlay.metacopy": b"", b"user.overlay.opaque": b"y"}),
        tree=("-0644 f ''",),
    ),
    "the host's labels": Hostile(
        _with({b"security.selinux": b"x", b"security.ima": b"\1", b"system.posix_acl_access": b"\2\0\0\0"}),
        tree=("-0644 f ''",),
    ),
    "an attribute without a name": Hostile(_with({b"": b"x", b"user.\0": b"x"}), tree=("-0644 f ''",)),
    "an attribute called user.": Hostile(_with({b"user.": b"x"}), "cannot be written"),
    "an attribute too large": Hostile(_with({b"user.x": b"x" * 70_000}), "cannot be written"),
    "capabilities of a user namespace": Hostile(
        _with({b"security.capability": _CAPABILITY_3}), tree=(f"-0644 f '' {_CAPABILITY_2.hex()}",)
    ),
    "capabilities": Hostile(
        _with({b"security.capability": _CAPABILITY_2}), tree=(f"-0644 f '' {_CAPABILITY_2.hex()}",)
    ),
    "capabilities of no kind": Hostile(_with({b"security.capability": b"\1\0\0\0"}), "capabilities of an unknown form"),
    "no capabilities": Hostile(_with({b"security.capability": b""}), "capabilities of an unknown form"),
}
NUMBERS = {
    "a negative size": Hostile(header(size=b"\xff" * 12), "negative size"),
    "a size with a sign": Hostile(header(size=b"-0000000001\0"), "size is no number"),
    "a size with a prefix": Hostile(header(size=b"0o000000001\0"), "size is no number"),
    "a size that is no number": Hostile(header(size=b"zzzzzzzzzzz\0"), "size is no number"),
    "a size of 8 EiB": Hostile(header(size=b"\x80" + bytes(3) + b"\x7f" + b"\xff" * 7), "has 9,223,3"),
    "a pax size of 8 EiB": Hostile(pax({b"size": b"%d" % 2**63}) + header(), "has 9,223,3"),
    "a pax size that is negative": Hostile(pax({b"size": b"-1"}) + header(), "size is no number"),
    "a size in base 256": Hostile(
        header(size=b"\x80" + bytes(10) + b"\x03") + b"abc".ljust(512, b"\0"), tree=("-0644 f 'abc'",)
    ),
    "a time before time": Hostile(header(mtime=b"\xff" * 12), tree=("-0644 f ''",)),
    "a time after time": Hostile(pax({b"mtime": b"9" * 20}) + header(), tree=("-0644 f ''",)),
    "a time that is none": Hostile(pax({b"mtime": b"soon"}) + header(), "mtime is no number"),
    "an owner whom nobody can be": Hostile(pax({b"uid": b"%d" % (2**32 - 1)}) + header(), "which nobody can be"),
    "a group that nobody can be": Hostile(header(gid=b"\x80\0\0\0\xff\xff\xff\xff"), "which nobody can be"),
    "the last owner": Hostile(header(uid=b"\x80\0\0\0\xff\xff\xff\xfe"), tree=("-0644 4294967294:0 f ''",)),
    "a negative owner": Hostile(header(uid=b"\xff" * 8), "negative uid"),
    "a mode of all bits": Hostile(header(mode=b"7777777\0"), tree=("-7777 f ''",)),
}
HEADERS = {
    "no archive": Hostile(b"x" * 512, "checksum is wrong|checksum is no number"),
    "a wrong checksum": Hostile(header()[:-1] + b"x", "checksum is wrong"),
    "half a header": Hostile(header()[:300], "ends in the middle"),
    "half a file": Hostile(header(size=b"00000001000\0") + b"x" * 100, "ends in the middle"),
    "a pax header of a gigabyte": Hostile(header(kind=b"x", size=b"10000000000\0"), "headers of 1,073,741,824 bytes"),
    "a global header of a gigabyte": Hostile(
        header(kind=b"g", size=b"10000000000\0"), "headers of 1,073,741,824 bytes"
    ),
    "a long name of a gigabyte": Hostile(header(kind=b"L", size=b"10000000000\0"), "headers of 1,073,741,824 bytes"),
    "long names without end": Hostile(extra(b"L", b"n" * 300_000) * 4 + header(), "headers of 1,200,000 bytes"),
    "pax headers without end": Hostile(
        b"".join(pax({b"key%d" % number: b"x" * 300_000}) for number in range(4)) + header(), "headers of"
    ),
    "a long name with nothing behind": Hostile(extra(b"L", b"name\0")),
    "a pax record longer than its header": Hostile(extra(b"x", b"99 path=x\n") + header(), "damaged pax header"),
    "a pax record without a value": Hostile(extra(b"x", b"10 pathxx\n") + header(), "damaged pax header"),
    "a pax record of no length": Hostile(extra(b"x", b"0 path=x\n") + header(), "damaged pax header"),
    "a pax record of a length that is none": Hostile(extra(b"x", b"1e1 path=x\n") + header(), "damaged pax header"),
    "a pax name that is empty": Hostile(pax({b"path": b""}) + header(), tree=("-0644 f ''",)),
    "a global name": Hostile(pax({b"path": b"../x"}, b"g") + header(), tree=("-0644 f ''",)),
    "names of all three kinds": Hostile(
        extra(b"L", b"gnu\0") + pax({b"path": b"pax"}) + header(name=b"ustar"), tree=("-0644 pax ''",)
    ),
    "a GNU name that others cut short": Hostile(
        _gnu(file("d/" + "n" * 120)[0]), tree=("d0755 d", "-0644 d/" + "n" * 120 + " ''")
    ),
    "something behind the end": Hostile(
        header() + bytes(1024) + header(name=b"../outside") + b"garbage", tree=("-0644 f ''",)
    ),
    "nothing": Hostile(b""),
    "only an end": Hostile(bytes(1024)),
}
GROUPS: dict[str, dict[str, Hostile]] = {
    "names": NAMES,
    "links": LINKS,
    "replacements": REPLACEMENTS,
    "whiteouts": WHITEOUTS,
    "kinds": KINDS,
    "attributes": ATTRIBUTES,
    "numbers": NUMBERS,
    "headers": HEADERS,
}
