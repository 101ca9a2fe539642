"""Shuts this process in, before it reads what an enemy wrote: nothing to reach, little to ask for, limits on the rest.

Two steps. A warden leaves the host's files and networks once; each of its children, which unpack one layer each, then
keeps only the rights and system calls that writing files takes.
"""

import os
import resource
import signal
from errno import ENOSYS, EPERM
from pathlib import Path
from typing import Final

from engine import boundary, capabilities, privileges, seccomp, syscalls
from engine.seccomp_rules import Condition, Rule
from engine.syscalls import AT_FDCWD, MNT_DETACH, Attribute, Clone, MountFlag, Prctl

_OWN = Clone.NEWNS | Clone.NEWNET | Clone.NEWIPC | Clone.NEWUTS | Clone.NEWCGROUP
_BARREN = Attribute.RDONLY | Attribute.NOSUID | Attribute.NODEV | Attribute.NOEXEC
_ANY_DIRECTORY = "/proc"  # is covered, in a mount namespace of our own
_THREAD = 0x10000  # CLONE_THREAD, clone(2)

# Owners and modes of files that are anybody's; trusted.overlay.opaque takes SYS_ADMIN, of which the filter leaves that.
_CAPABILITIES: Final = frozenset({"CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "SETFCAP", "SYS_ADMIN"})
_CALLS: Final = """
read readv pread64 write lseek close dup fcntl ioctl openat openat2 fstat newfstatat statx fstatfs
mkdirat symlinkat linkat unlinkat renameat renameat2 fchown fchownat fchmod fchmodat fchmodat2 utimensat fsetxattr umask
mmap munmap mremap mprotect madvise brk futex sched_yield sched_getaffinity getpid gettid exit exit_group getrandom
clock_gettime clock_nanosleep rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack set_robust_list rseq
"""
_RULES: Final = (
    *(Rule(call) for call in _CALLS.split()),
    Rule("mknodat", conditions=(Condition(3, "equal", 0),)),  # pipes and whiteouts; no device
    Rule("clone", conditions=(Condition(0, "masked", _THREAD, _THREAD),)),
    Rule("clone3", ENOSYS),  # the C library then takes clone
)
_LIMITS: Final = (
    (resource.RLIMIT_AS, 2 << 30),
    (resource.RLIMIT_CPU, 3600),
    (resource.RLIMIT_FSIZE, 64 << 30),
    (resource.RLIMIT_NOFILE, 256),
    (resource.RLIMIT_CORE, 0),
)


def call_filter(cache: Path) -> bytes:
    """The filter of system calls for `shut`; `cache` is the directory of what can be computed again."""
    return seccomp.kept_program(_RULES, f"unpacking {_RULES}", cache, default=Rule("", EPERM))


def leave_host() -> None:
    """Gives this process an empty root directory that cannot be written, and namespaces without any way out."""
    syscalls.unshare(_OWN)
    syscalls.mount("", "/", "", MountFlag.REC | MountFlag.PRIVATE)
    filesystem = syscalls.fsopen("tmpfs")
    syscalls.fsconfig_create(filesystem)
    root = syscalls.fsmount(filesystem, _BARREN)
    syscalls.move_mount(root, AT_FDCWD, _ANY_DIRECTORY)
    os.fchdir(root)
    syscalls.pivot_root(".", ".")
    syscalls.umount2(".", MNT_DETACH)
    os.chdir("/")
    os.close(root)
    os.close(filesystem)
    privileges.bound_capabilities(capabilities.mask(_CAPABILITIES))


def shut(kept_fds: tuple[int, ...], program: bytes) -> None:
    """Leaves this process its descriptors in `kept_fds` and what it takes to write files; it ends with its parent."""
    syscalls.prctl(Prctl.SET_PDEATHSIG, signal.SIGKILL)
    boundary.seal(kept_fds)
    for what, limit in _LIMITS:
        resource.setrlimit(what, (limit, limit))
    kept = capabilities.mask(_CAPABILITIES)
    syscalls.capset(kept, kept, 0)
    syscalls.prctl(Prctl.SET_NO_NEW_PRIVS, 1)
    syscalls.seccomp(program)
