"""The directories of control groups: made, marked as ours, read, written and removed."""

# ruff: noqa: PTH102, PTH106, PTH120, PTH123

import os

from engine.errors import EngineError

_OURS = "trusted.windlass"


def inherit_cpuset(directory: str) -> None:
    """A v1 group takes in processes only when its processors and memory nodes are named: those of the one above."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        if not read(f"{directory}/{name}").strip():
            write(f"{directory}/{name}", read(f"{os.path.dirname(directory)}/{name}").strip())


def mark(directory: str) -> None:
    """Says that a group was made by us."""
    try:
        os.setxattr(directory, _OURS, b"1")
    except OSError:  # no such attributes in this hierarchy: it stays when it is empty, as with other engines
        return


def make_directory(directory: str) -> None:
    """Makes a group, if missing."""
    try:
        os.mkdir(directory)
    except FileExistsError:
        return


def remove_marked(directory: str) -> None:
    """Removes a group that was made for `cgroup_parent`, and those above, as far as they are ours and empty."""
    try:
        while os.getxattr(directory, _OURS):
            os.rmdir(directory)
            directory = os.path.dirname(directory)
    except OSError:
        return


def enable(directory: str, controllers: list[str]) -> None:
    """Lets the groups below a v2 one have these controllers."""
    enabled = read(f"{directory}/cgroup.subtree_control").split()
    missing = [controller for controller in controllers if controller not in enabled]
    if missing:
        write(f"{directory}/cgroup.subtree_control", " ".join("+" + controller for controller in missing))


def remove_tree(directory: str) -> None:
    """Removes a group with those below it; EngineError when processes are in one."""
    try:
        with os.scandir(directory) as entries:
            below = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
        for path in below:
            remove_tree(path)
        os.rmdir(directory)
    except FileNotFoundError:
        return
    except OSError as error:
        raise EngineError(f"cannot remove the control group {directory}: {error.strerror}") from error


def read(path: str) -> str:
    """What a file of the kernel's says."""
    with open(path, encoding="ascii", errors="replace") as file:
        return file.read()


def write(path: str, text: str) -> None:
    """Writes a file of the kernel's in one call."""
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)
