"""Packs a layer's archive into a file that is read while it grows."""

import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import EngineError, ImageError
from engine.images.gzips import packer
from engine.images.layer_archives import write_archive
from engine.images.store import ImageStore


class PackedLayer:
    """What there is so far of a packed layer; complete once `wait` says so, and then it has a digest."""

    def __init__(self, file: int) -> None:
        self.file = file
        self._news = threading.Condition()
        self._size = 0
        self._complete = False
        self._abandoned = False
        self._failure: EngineError | None = None
        self._digest = hashlib.sha256()

    @property
    def digest(self) -> str:
        """The digest of what has been packed."""
        return f"sha256:{self._digest.hexdigest()}"

    def wait(self, least: int) -> tuple[int, bool]:
        """Waits until there are so many bytes, or all; returns how many there are, and whether these are all.

        Raises what went wrong with the layer.
        """
        with self._news:
            self._news.wait_for(lambda: self._complete or self._failure or self._size >= least)
            if self._failure:
                raise self._failure
            return self._size, self._complete

    def fill(self, store: ImageStore, diff_id: str) -> None:
        """Packs the whole layer; to be called by a thread of its own."""
        stream = packer()
        try:
            write_archive(store, diff_id, lambda piece: self._add(stream.compress(piece)))
            self._add(stream.flush())
        except EngineError as error:
            self._end(error)
        except OSError as error:
            self._end(ImageError(f"layer {diff_id} cannot be packed: {error.strerror}", hint="is the disk full?"))
        else:
            self._end(None)

    def abandon(self) -> None:
        """Nobody wants the rest any more."""
        with self._news:
            self._abandoned = True

    def _add(self, packed: bytes) -> None:
        if not packed:
            return
        self._digest.update(packed)
        left = memoryview(packed)
        while left:
            left = left[os.write(self.file, left) :]
        with self._news:
            if self._abandoned:
                raise ImageError("the layer is not wanted any more")
            self._size += len(packed)
            self._news.notify_all()

    def _end(self, failure: EngineError | None) -> None:
        with self._news:
            self._failure = failure
            self._complete = failure is None
            self._news.notify_all()


@contextmanager
def packed_layer(store: ImageStore, diff_id: str, directory: Path) -> Iterator[PackedLayer]:
    """A layer that is being packed while the block runs, in a file without a name in `directory`."""
    file = os.open(directory, os.O_TMPFILE | os.O_RDWR, 0o600)
    try:
        layer = PackedLayer(file)
        thread = threading.Thread(target=layer.fill, args=(store, diff_id))
        thread.start()
        try:
            yield layer
        finally:
            layer.abandon()
            thread.join()
    finally:
        os.close(file)
