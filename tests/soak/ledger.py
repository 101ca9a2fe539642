"""Holds a service's log against what the kernel took from it.

The service `counter` writes numbered lines to both of its outputs and, after each write that the kernel accepted, one
byte to a file of that run: the file's size is what has to be in the log, once and in order. One loss is documented:
what a container had printed and nobody had read when it ended while no supervisor lived goes with its pipe. Of such a
run the log may lack the end. So every death of a supervisor opens a gap for each container, which ends when the next
supervisor opens its FIFOs; a run that began before that and lives no more then is excused.
"""

import os
import re
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.errors import SyscallError
from engine.layout import StackLayout
from engine.records import read_records
from engine.syscalls import inotify_add_watch, inotify_init1

COUNTER = """
services:
  counter:
    image: localhost/bb:1
    stop_signal: TERM
    volumes: ["counts:/counts"]
    command:
      - sh
      - -c
      - |
        tell() {
          i=$$((i+1))
          echo "out $$ticks $$i." && echo -n . >&3
          echo "err $$ticks $$i." >&2 && echo -n . >&4
        }
        farewell() {
          last=$$((i+300))
          while [ $$i -lt $$last ]; do tell; done
          exit 3
        }
        read -r host </proc/sys/kernel/hostname
        read -r stat </proc/self/stat
        set -- $$stat
        ticks=$${22}
        exec 3>>/counts/$$host-$$ticks.out 4>>/counts/$$host-$$ticks.err
        i=0
        trap farewell TERM
        while :; do
          tell
          [ $$((i % 20)) != 0 ] || [ $$((i % 2000)) -lt 1000 ] || sleep 0.02
        done
volumes: {counts: }
"""
_LINE = re.compile(r"(out|err) (\d+) (\d+)\.")
_OPENED = 0x20  # inotify(7): IN_OPEN


class Ledger:
    """What the runs of `counter` on one stack have printed, and which of them may have lost their ends."""

    def __init__(self, place: StackLayout, counts: Path) -> None:
        """`counts` is the directory of the volume of that name."""
        self._place = place
        self._counts = counts
        self._lock = threading.Lock()
        self._excused: set[str] = set()
        self._gaps: list[_Gap] = []
        self.runs: set[str] = set()
        self.deaths = 0
        self.lines = 0
        self.lost: dict[str, int] = {}

    @contextmanager
    def death(self) -> Iterator[None]:
        """While supervisors are killed; afterwards none of them lives."""
        with self._lock:
            yield
            gap = _Gap(self._place)
            # What an end has been recorded of was logged before that.
            processes = {record.spec.id[:12]: record.state.process for record in read_records(self._place)}
            alive = self._alive()
            for run in self._all_runs():
                container, _, ticks = run.partition("-")
                process = processes.get(container)
                recorded = container in processes and (process is None or process.start_ticks > int(ticks))
                if recorded and run not in alive:
                    gap.ended_before.add(run)
            self._gaps.append(gap)
            self.deaths += 1
        threading.Thread(target=self._watch, args=(gap,), daemon=True).start()

    def close(self) -> None:
        """Lets go of what watches."""
        for gap in self._gaps:
            gap.close()

    def accepted(self) -> dict[str, tuple[int, int]]:
        """The lines that the kernel took, of each run whose container is there: of its output, of its errors."""
        there = {record.spec.id[:12] for record in read_records(self._place)}
        return {
            run: (self._size(f"{run}.out"), self._size(f"{run}.err"))
            for run in self._all_runs()
            if run.partition("-")[0] in there
        }

    def compare(self, accepted: dict[str, tuple[int, int]], log: str, *, read_on: bool) -> str:
        """What is wrong with a log that was read after `accepted` was; without `read_on`, nobody logs just now."""
        with self._lock:
            excused = set(self._excused)
            for gap in self._gaps:
                for container in gap.open:
                    excused |= self._ended_in(gap, container)
        logged, wrong = _numbers(log, torn=bool(excused))
        unread = set() if read_on else self._alive()
        for run, counts in accepted.items():
            for stream, count in zip(("out", "err"), counts, strict=True):
                last = logged.get((run.partition("-")[2], stream), 0)
                if last < count and run in excused:
                    self.lost[f"{run}.{stream}"] = count - last
                elif last < count and run not in unread:
                    wrong = wrong or f"{run}: {count} lines of {stream} were accepted, the log ends with line {last}"
        self.runs |= accepted.keys()
        self.lines += sum(logged.values())
        return wrong

    def _watch(self, gap: "_Gap") -> None:
        """Waits until the next supervisor has opened the FIFOs of all containers that the gap is about."""
        while True:
            opened = gap.wait()
            with self._lock:
                for container in opened & gap.open:
                    self._excused |= self._ended_in(gap, container)
                    gap.open.discard(container)
                if gap.closed or not gap.open:
                    gap.end()
                    return

    def _ended_in(self, gap: "_Gap", container: str) -> set[str]:
        """The runs of a container that ended, until now, with nobody to read what they had printed."""
        runs = {run for run in self._all_runs() if run.startswith(f"{container[:12]}-")}
        return runs - gap.ended_before - self._alive()

    def _all_runs(self) -> list[str]:
        with suppress(FileNotFoundError):
            return sorted(path.stem for path in self._counts.iterdir() if path.suffix == ".out")
        return []

    def _size(self, name: str) -> int:
        with suppress(FileNotFoundError):
            return (self._counts / name).stat().st_size
        return 0

    def _alive(self) -> set[str]:
        """The names that runs have, or would have, whose processes live; by control groups, for records may lag."""
        groups = [*Path("/sys/fs/cgroup").glob(f"windlass/{self._place.label}/*/cgroup.procs")]
        groups += Path("/sys/fs/cgroup").glob(f"*/windlass/{self._place.label}/*/cgroup.procs")
        alive = set()
        for group in groups:
            with suppress(OSError):
                for pid in group.read_text().split():
                    with suppress(OSError):
                        stat = Path(f"/proc/{pid}/stat").read_text()
                        fields = stat[stat.rindex(")") + 2 :].split()
                        if fields[0] not in "ZX":
                            alive.add(f"{group.parent.name[:12]}-{fields[19]}")
        return alive


def _numbers(log: str, *, torn: bool) -> tuple[dict[tuple[str, str], int], str]:
    """The last line of each run's streams, and what is wrong before; `torn` when a run's last line may lack its end."""
    logged: dict[tuple[str, str], int] = {}
    for line in log.splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            if not torn:
                return logged, f"the log has {line!r}, which nobody wrote"
            continue
        stream, ticks, number = match[1], match[2], int(match[3])
        last = logged.get((ticks, stream), 0)
        if number != last + 1:
            return logged, f"the log of {stream} of the run {ticks} goes from line {last} to line {number}"
        logged[ticks, stream] = number
    return logged, ""


class Tally:
    """What was compared in all rounds, for the reader to know that it was not nothing."""

    def __init__(self) -> None:
        self._runs = self._lines = self._supervisors = 0
        self._lost: list[int] = []

    def add(self, ledger: Ledger) -> None:
        """Adds a round's."""
        self._runs += len(ledger.runs)
        self._lines += ledger.lines
        self._supervisors += ledger.deaths
        self._lost += ledger.lost.values()

    def __str__(self) -> str:
        return (
            f"{self._lines} lines of {self._runs} runs compared over {self._supervisors} deaths of supervisors; "
            f"{len(self._lost)} streams of runs that ended with nobody to read lack {sum(self._lost)} lines"
        )


class _Gap:
    """The time from a supervisor's death until the next one reads on, container by container."""

    def __init__(self, place: StackLayout) -> None:
        self.ended_before: set[str] = set()
        self.open: set[str] = set()
        self.closed = False
        self._news = inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self._ending, self._ends = os.pipe()
        self._watched: dict[int, str] = {}
        for fifo in place.containers.glob("*/stderr"):  # opened after stdout
            with suppress(SyscallError):  # it has just gone
                self._watched[inotify_add_watch(self._news, fifo, _OPENED)] = fifo.parent.name
        self.open.update(self._watched.values())

    def wait(self) -> set[str]:
        """The containers whose FIFOs were opened; returns early when it is closed."""
        select.select([self._news, self._ending], [], [])
        with suppress(BlockingIOError):
            events, at, opened = os.read(self._news, 1 << 16), 0, set()
            while at < len(events):
                watch, mask = (int.from_bytes(events[at + n : at + n + 4], "little") for n in (0, 4))
                if mask & _OPENED:
                    opened.add(self._watched[watch])
                at += 16 + int.from_bytes(events[at + 12 : at + 16], "little")
            return opened
        return set()

    def close(self) -> None:
        """Ends the waiting."""
        self.closed = True
        if self._ends >= 0:
            with suppress(OSError):
                os.write(self._ends, b".")

    def end(self) -> None:
        """Closes the descriptors."""
        for fd in (self._news, self._ending, self._ends):
            os.close(fd)
        self._ends = -1
