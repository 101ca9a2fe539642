"""What builds remember: which step gave which layer, and what each build did last time."""

import hashlib
import os
from contextlib import suppress
from pathlib import Path

import msgspec

from engine.directories import make_private
from engine.dockerfiles.steps import StepInputs, StepRecord, key_of
from engine.images.durable import write_file
from engine.images.store import ImageStore


class BuildCache:
    """Records of our own builds below the store's cache directory; a record whose layer is gone counts for nothing."""

    def __init__(self, store: ImageStore) -> None:
        self._store = store
        self._steps = store.cache / "build" / "steps"
        self._histories = store.cache / "build" / "histories"

    def find(self, inputs: StepInputs) -> StepRecord | None:
        """What came of the same step before, if it is still here."""
        path = self._steps / key_of(inputs)
        try:
            record = msgspec.json.decode(path.read_bytes(), type=StepRecord)
        except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
            return None
        with suppress(OSError):
            os.utime(path)  # what has not been of use for long goes first
        if record.layer and self._store.layer_facts(record.layer) is None:
            return None
        return record

    def keep(self, inputs: StepInputs, record: StepRecord) -> None:
        """Remembers what came of a step."""
        self._write(self._steps / key_of(inputs), msgspec.json.encode(record))

    def history(self, build: str) -> dict[str, StepInputs]:
        """The steps that a build did last time, by their places; empty when it is new."""
        try:
            return msgspec.json.decode(self._history(build).read_bytes(), type=dict[str, StepInputs])
        except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
            return {}

    def keep_history(self, build: str, steps: dict[str, StepInputs]) -> None:
        """Remembers the steps of a build."""
        self._write(self._history(build), msgspec.json.encode(steps))

    def _history(self, build: str) -> Path:
        return self._histories / hashlib.sha256(build.encode()).hexdigest()

    def _write(self, path: Path, content: bytes) -> None:
        make_private(path.parent)
        write_file(path, content)
