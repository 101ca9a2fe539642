"""Has layers unpacked by a process that can do nothing else: the side of those who want them unpacked."""

import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from engine import handover, syscalls
from engine.errors import ImageError
from engine.images.model import LayerFacts
from engine.syscalls import Attribute

_BARREN = Attribute.NOSUID | Attribute.NODEV | Attribute.NOEXEC | Attribute.NOSYMFOLLOW
_LONGEST_VERDICT = 1 << 16
_STDIN, _STDERR = 0, 2


class Unpacked(msgspec.Struct, frozen=True, tag="unpacked"):
    """A layer was unpacked: its archive's digest, with what is known of it."""

    diff_id: str
    facts: LayerFacts


class Refusal(msgspec.Struct, frozen=True, tag="refusal"):
    """A layer cannot be unpacked."""

    message: str
    hint: str = ""


_verdict_decoder: msgspec.json.Decoder[Unpacked | Refusal] = msgspec.json.Decoder(Unpacked | Refusal)


class Jail:
    """A warden process, being loaded from the beginning on, that unpacks for several threads at once.

    It ends with the block, or with this process. `cache` is the directory of what can be computed again.
    """

    def __init__(self, cache: Path) -> None:
        self._channel, far_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with far_end:
            self._pid = _spawn(far_end.fileno(), cache)

    def unpack(self, blob: int, home: int) -> tuple[str, LayerFacts]:
        """Does what engine.images.unpacking.unpack does, but that the blob's place in the file is undefined."""
        mount = mount_for_unpacking(home)
        try:
            told = self._ask(blob, mount)
        finally:
            os.close(mount)
        try:
            verdict = _verdict_decoder.decode(told)
        except (msgspec.MsgspecError, UnicodeError):
            raise ImageError(
                "its unpacker was ended", hint="the kernel does that for want of memory, and after an hour; see its log"
            ) from None
        if isinstance(verdict, Refusal):
            raise ImageError(_harmless(verdict.message), hint=_harmless(verdict.hint))
        return verdict.diff_id, verdict.facts

    def close(self) -> None:
        """Ends the warden, and whoever unpacks for it."""
        self._channel.close()
        with suppress(ChildProcessError):
            os.waitpid(self._pid, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, blob: int, mount: int) -> bytes:
        reader, writer = os.pipe()
        try:
            try:
                handover.send(self._channel, b"unpack", (blob, mount, writer))
            except OSError:
                raise ImageError("the process that unpacks layers has ended") from None
            finally:
                os.close(writer)
            told = b""
            while len(told) < _LONGEST_VERDICT and (piece := os.read(reader, _LONGEST_VERDICT)):
                told += piece
            return told
        finally:
            os.close(reader)


def mount_for_unpacking(home: int) -> int:
    """A mount of nothing but a directory, which leads nowhere else: no way up, no links, no devices."""
    mount = syscalls.open_tree(home, "")
    try:
        syscalls.mount_setattr(mount, attr_set=_BARREN)
    except BaseException:
        os.close(mount)
        raise
    return mount


def _spawn(channel: int, cache: Path) -> int:
    """A process of the same version, with nothing of this one's memory and environment."""
    place = Path(__file__).resolve()
    path = os.pathsep.join((str(place.parents[2]), *filter(None, (os.environ.get("PYTHONPATH"),))))
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-P", str(place.with_name("warden.py")), str(cache)],
        {"PYTHONPATH": path},
        file_actions=[(os.POSIX_SPAWN_DUP2, channel, _STDIN), (os.POSIX_SPAWN_DUP2, _STDERR, 1)],
        setsid=True,
        setsigmask=[],
        setsigdef=[signal.SIGPIPE],
    )


def _harmless(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)
