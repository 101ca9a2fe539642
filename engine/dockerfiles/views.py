"""Layers seen as one file system, by overlay mounts that are attached nowhere and end with their descriptor."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from errno import EINVAL
from pathlib import Path

from engine import syscalls
from engine.errors import ImageError, SyscallError
from engine.syscalls import Attribute

_ATTRIBUTES = Attribute.NOSUID | Attribute.NODEV | Attribute.NOEXEC


@contextmanager
def read_only_view(layers: Sequence[Path], aside: Path) -> Iterator[int]:
    """A descriptor of the root that `layers` (base first) make up; `aside` is an empty directory for their absence."""
    with ExitStack() as stack:
        if len(set(layers)) < 2:
            view = os.open(layers[0] if layers else aside, os.O_RDONLY | os.O_DIRECTORY)
        else:
            view = _overlay(layers)
        stack.callback(os.close, view)
        yield view


@contextmanager
def writable_view(layers: Sequence[Path], upper: Path, work: Path) -> Iterator[int]:
    """Likewise, but what is changed goes to the directory `upper`; `work` is overlayfs's own. Both must be empty."""
    with ExitStack() as stack:
        view = _overlay(layers, upper, work) if layers else os.open(upper, os.O_RDONLY | os.O_DIRECTORY)
        stack.callback(os.close, view)
        if os.fstatvfs(view).f_flag & os.ST_RDONLY:  # overlayfs says nothing when it cannot write to `work`
            raise ImageError(f"a new layer in {upper} came out read-only", hint="see the kernel's log")
        yield view


def _overlay(layers: Sequence[Path], upper: Path | None = None, work: Path | None = None) -> int:
    with ExitStack() as stack:

        def named(path: Path) -> str:
            handle = os.open(path, os.O_PATH | os.O_DIRECTORY)
            stack.callback(os.close, handle)
            return f"/proc/self/fd/{handle}"

        handle = syscalls.fsopen("overlay")
        stack.callback(os.close, handle)
        syscalls.fsconfig_set(handle, "source", "windlass")
        lowers = [named(layer) for layer in dict.fromkeys(reversed(layers))]
        try:
            for lower in lowers:
                syscalls.fsconfig_set(handle, "lowerdir+", lower)
        except SyscallError as error:
            if error.errno != EINVAL:
                raise
            syscalls.fsconfig_set(handle, "lowerdir", ":".join(lowers))  # Linux before 6.8
        if upper is not None and work is not None:
            syscalls.fsconfig_set(handle, "upperdir", named(upper))
            syscalls.fsconfig_set(handle, "workdir", named(work))
            for key, value in (("redirect_dir", "nofollow"), ("metacopy", "off"), ("index", "off")):
                syscalls.fsconfig_set(handle, key, value)  # an upper directory must make sense as a layer
        syscalls.fsconfig_create(handle)
        return syscalls.fsmount(handle, _ATTRIBUTES)
