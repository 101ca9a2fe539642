"""Tells which files have changed below some paths. The one place that imports watchdog.

Its observers watch whole trees, with a thread for each path. What is used here is the table of watches beneath them:
directories are walked here, one watch each, and what is of no interest is not descended into.
"""

import errno
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from watchdog.observers.inotify_c import CallbackId, InotifyConstants, InotifyEvent, InotifyFD, Mask, WatchDescriptor

from compose.errors import StackError

_MASK: Final = Mask(
    InotifyConstants.IN_MODIFY
    | InotifyConstants.IN_CLOSE_WRITE
    | InotifyConstants.IN_ATTRIB
    | InotifyConstants.IN_CREATE
    | InotifyConstants.IN_DELETE
    | InotifyConstants.IN_MOVE
    | InotifyConstants.IN_ONLYDIR
    | InotifyConstants.IN_DONT_FOLLOW
)
_ID: Final = CallbackId(1)


class Notices:
    """Changes below `tops`, each a file, a directory or something that is still missing.

    `descends` says of a directory below one of them whether it is watched, too. `fileno` is readable when `news` has
    some.
    """

    def __init__(self, tops: Iterable[str], descends: Callable[[str], bool]) -> None:
        self._tops = tuple(tops)
        self._descends = descends
        self._paths: dict[WatchDescriptor, str] = {}
        self._watched: set[str] = set()
        self._changed: dict[str, None] = {}
        self.overflowed = False
        try:
            self._table = InotifyFD()
        except OSError as error:
            hint = "raise the sysctl fs.inotify.max_user_instances"
            raise StackError(f"cannot watch files: {error.strerror}", hint=hint) from error
        for top in self._tops:
            self._watch_top(top)

    def __len__(self) -> int:
        return len(self._paths)

    def fileno(self) -> int:
        """A descriptor to wait on."""
        return self._table._inotify_fd  # noqa: SLF001 - there is no other way to wait for it and for Ctrl-C at once

    def news(self) -> tuple[str, ...]:
        """The paths that have changed since; to be called when `fileno` is readable."""
        for event in self._table.read_events():
            self._table.handle_event(event)
        changed, self._changed = tuple(self._changed), {}
        return changed

    def close(self) -> None:
        """Ends all watches."""
        self._tops = ()
        self._table.close()

    def on_event(self, event: InotifyEvent) -> None:
        """See watchdog's WatchCallback."""
        directory = self._paths.get(event.wd)
        if directory is None or not event.name:
            return
        path = os.path.join(directory, os.fsdecode(event.name))  # noqa: PTH118 - bytes may be anything
        if not (event.is_directory and event.is_attrib):
            self._changed[path] = None
        if event.is_directory and event.is_moved_from:
            self._forget(path)
        elif event.is_create or event.is_moved_to:
            if event.is_directory and self._descends(path):
                self._walk(path)
            for top in self._tops:  # what was missing has come, maybe only a directory on the way to it
                if top == path or top.startswith(f"{path}/"):
                    self._watch_top(top)
                    self._changed[top] = None

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        """See watchdog's WatchCallback."""
        gone = self._paths.pop(wd, None)
        if gone is None:
            return
        self._watched.discard(gone)
        for top in self._tops:
            if top == gone or top.startswith(f"{gone}/"):
                self._watch_top(top)

    def on_queue_overflow(self) -> None:
        """See watchdog's WatchCallback."""
        self.overflowed = True
        for top in self._tops:
            self._watch_top(top)

    def _watch_top(self, top: str) -> None:
        """Watches a path with all below it, or waits for it in the nearest directory that there is."""
        if os.path.isdir(top):  # noqa: PTH112 - likewise
            self._walk(top)
        above = os.path.dirname(top)  # noqa: PTH120 - likewise
        while not self._add(above) and above != "/":
            above = os.path.dirname(above)  # noqa: PTH120 - likewise

    def _walk(self, directory: str) -> None:
        waiting = [directory]
        while waiting:
            here = waiting.pop()
            if self._add(here):
                waiting.extend(below for below in _directories(here) if self._descends(below))

    def _add(self, directory: str) -> bool:
        """Watches one directory; whether there is one."""
        if directory in self._watched:
            return True
        try:
            wd = self._table.add_callback(os.fsencode(directory), _MASK, self, _ID)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise StackError(
                    f"cannot watch {directory}: more than {len(self._paths):,} directories are too many for this user",
                    hint="leave out what need not be watched (`ignore`, .dockerignore), "
                    "or raise the sysctl fs.inotify.max_user_watches",
                ) from error
            return False
        self._paths[wd] = directory
        self._watched.add(directory)
        return True

    def _forget(self, directory: str) -> None:
        """Ends the watches of a directory that was moved away, and of all below it."""
        gone = [wd for wd, path in self._paths.items() if path == directory or path.startswith(f"{directory}/")]
        for wd in gone:
            self._watched.discard(self._paths.pop(wd))
        self._table.remove_callbacks([(wd, _ID) for wd in gone])


def _directories(directory: str) -> Iterator[str]:
    try:
        with os.scandir(directory) as entries:
            yield from (entry.path for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:  # it has just gone
        return
