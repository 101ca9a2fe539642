"""Does a build's steps, or takes what came of them before: says which, and why."""

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from engine.dockerfiles import steps
from engine.dockerfiles.cache import BuildCache
from engine.dockerfiles.steps import StepInputs, StepRecord

_TOLD_SECONDS = 1.0


class Place(NamedTuple):
    """Where a step stands: its stage, its number of how many there, and its position among all instructions."""

    stage: str
    number: int
    steps: int
    position: int
    several: bool

    @property
    def title(self) -> str:
        """What it is called where it is told of; a stage that is the only one needs no name."""
        return f"[{self.stage} {self.number}/{self.steps}]" if self.several else f"[{self.number}/{self.steps}]"


class Ledger:
    """What one build does and has done the last time. Steps may be done by several threads at once.

    `name` tells builds apart, `fresh_stages` are done anew; so is everything with `no_cache`.
    """

    def __init__(
        self,
        cache: BuildCache,
        name: str,
        on_progress: Callable[[str], None],
        now_ns: Callable[[], int],
        *,
        no_cache: bool = False,
        fresh_stages: frozenset[str] = frozenset(),
    ) -> None:
        self._cache = cache
        self._name = name
        self._on_progress = on_progress
        self._now_ns = now_ns
        self._no_cache = no_cache
        self._fresh_stages = fresh_stages
        self._previous = cache.history(name)
        self._history: dict[str, StepInputs] = {}
        self._lock = threading.Lock()

    def tell(self, line: str) -> None:
        """Shows a line, one thread's at a time."""
        with self._lock:
            self._on_progress(line)

    def done(self, place: Place, text: str, inputs: StepInputs, do: Callable[[], str]) -> StepRecord:
        """What came of a step; `text` is its instruction, `do` carries it out and returns its layer."""
        title = f"{place.title} {' '.join(text.split())}"
        fresh = self._no_cache or place.stage in self._fresh_stages
        record = None if fresh else self._cache.find(inputs)
        previous = self._remembered(place, text, inputs)
        if record is not None:
            self.tell(f"{title} (cached)")
            return record
        self.tell(f"{title} ({'--no-cache' if fresh else steps.cause(previous, inputs)})")
        began = time.monotonic()
        record = StepRecord(layer=do(), created_ns=self._now_ns())
        took = time.monotonic() - began
        if took >= _TOLD_SECONDS:
            self.tell(f"{place.title} took {took:.1f} s")
        self._cache.keep(inputs, record)
        return record

    def close(self) -> None:
        """Remembers the steps for the next build of that name."""
        both = {**self._previous, **self._history}
        if both != self._previous:
            self._cache.keep_history(self._name, both)

    def _remembered(self, place: Place, text: str, inputs: StepInputs) -> StepInputs | None:
        """The step as it was the last time: the one with the same words, else the one that stood there."""
        words, position = f"{place.stage}\0{text}", f"{place.stage}\0{place.position}"
        with self._lock:
            self._history[words] = self._history[position] = inputs
        return self._previous.get(words) or self._previous.get(position)
