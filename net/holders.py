"""Finds out who holds a host port."""

from collections.abc import Iterator
from pathlib import Path

from net.spec import Protocol

_LISTENING = "0A"


def holder_of(protocol: Protocol, port: int, proc: Path = Path("/proc")) -> str:
    """Name the program that listens on a port of the host, with its pid; in general words when it cannot be found.

    Reads proc_pid_net(5): column 2 is the local address with its port in hexadecimal, 4 the state, 10 the inode.
    """
    inodes = set(_inodes(protocol, port, proc))
    for process in proc.iterdir() if inodes else ():
        if process.name.isdigit() and _holds(process, inodes):
            try:
                name = (process / "comm").read_text().strip()
            except OSError:
                continue
            return f"{name} (pid {process.name})"
    return "another program"


def _inodes(protocol: Protocol, port: int, proc: Path) -> Iterator[str]:
    for table in (protocol, f"{protocol}6"):
        try:
            lines = (proc / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for fields in (line.split() for line in lines):
            local_port = int(fields[1].rpartition(":")[2], 16)
            if local_port == port and (protocol == "udp" or fields[3] == _LISTENING):
                yield fields[9]


def _holds(process: Path, inodes: set[str]) -> bool:
    wanted = {f"socket:[{inode}]" for inode in inodes}
    try:
        return any(str(descriptor.readlink()) in wanted for descriptor in (process / "fd").iterdir())
    except OSError:
        return False
