"""The system calls that the standard library lacks, under their man pages' names.

The one place that imports ctypes for the C library. Descriptors returned here are close-on-exec and the caller's.
Each function has its man page in section 2, which its documentation here takes as known. Every failure is a
SyscallError that names the call, what it was done to and the kernel's reason.
"""

# ruff: noqa: TID251 -- this module is the door that the ban points to

import ctypes
import errno
import os
import struct
from enum import IntFlag
from signal import SIGCHLD

from engine.errors import SyscallError

AT_FDCWD = -100
AT_EMPTY_PATH = 0x1000
AT_RECURSIVE = 0x8000

_LIBRARY = ctypes.CDLL(None, use_errno=True)
_SYSCALL = _LIBRARY.syscall
_SYSCALL.restype = ctypes.c_long
_SYSCALL.argtypes = [ctypes.c_long, *[ctypes.c_void_p] * 6]
for _name in ("mount", "umount2", "pivot_root", "prctl", "capset"):
    getattr(_LIBRARY, _name).argtypes = [ctypes.c_void_p] * 5 if _name in {"mount", "prctl"} else [ctypes.c_void_p] * 2

# From Linux 5.1 on, every architecture gives new calls the same number (include/uapi/asm-generic/unistd.h).
_SYS_OPEN_TREE = 428
_SYS_MOVE_MOUNT = 429
_SYS_FSOPEN = 430
_SYS_FSCONFIG = 431
_SYS_FSMOUNT = 432
_SYS_CLONE3 = 435
_SYS_CLOSE_RANGE = 436
_MOST_RESOLUTIONS = 1000
_SYS_OPENAT2 = 437
_SYS_PIDFD_GETFD = 438
_SYS_MOUNT_SETATTR = 442
_SYS_LANDLOCK_CREATE_RULESET = 444
_SYS_LANDLOCK_RESTRICT_SELF = 446
_SYS_KEYCTL = {"x86_64": 250, "aarch64": 219, "riscv64": 219, "ppc64le": 271, "s390x": 280}
_SYS_BPF = {"x86_64": 321, "aarch64": 280, "riscv64": 280, "ppc64le": 361, "s390x": 351}
_SYS_SECCOMP = {"x86_64": 317, "aarch64": 277, "riscv64": 277, "ppc64le": 358, "s390x": 348}


class Clone(IntFlag):
    """clone(2), unshare(2) and setns(2): CLONE_*."""

    NEWNS = 0x00020000
    PARENT = 0x00008000
    NEWCGROUP = 0x02000000
    NEWUTS = 0x04000000
    NEWIPC = 0x08000000
    NEWUSER = 0x10000000
    NEWPID = 0x20000000
    NEWNET = 0x40000000


class MountFlag(IntFlag):
    """mount(2): MS_*, those that change how mounts propagate."""

    REC = 0x4000
    PRIVATE = 0x40000
    SLAVE = 0x80000


class Attribute(IntFlag):
    """mount_setattr(2) and fsmount(2): MOUNT_ATTR_*."""

    RDONLY = 0x1
    NOSUID = 0x2
    NODEV = 0x4
    NOEXEC = 0x8
    NOSYMFOLLOW = 0x200000
    IDMAP = 0x100000


class Resolve(IntFlag):
    """openat2(2): RESOLVE_*."""

    NO_XDEV = 0x01
    NO_MAGICLINKS = 0x02
    NO_SYMLINKS = 0x04
    BENEATH = 0x08
    IN_ROOT = 0x10


class Prctl:
    """prctl(2): the PR_* options that are used here."""

    SET_PDEATHSIG = 1
    SET_DUMPABLE = 4
    CAPBSET_DROP = 24
    SET_NO_NEW_PRIVS = 38
    CAP_AMBIENT = 47
    CAP_AMBIENT_CLEAR_ALL = 4


MNT_DETACH = 2  # umount(2)

_CLONE_PIDFD = 0x1000
_CLONE_INTO_CGROUP = 0x200000000
_OPEN_TREE_CLONE = 0x1
_MOVE_MOUNT_F_EMPTY_PATH = 0x04
_MOVE_MOUNT_T_EMPTY_PATH = 0x40
_FSCONFIG_SET_FLAG = 0
_FSCONFIG_SET_STRING = 1
_FSCONFIG_CMD_CREATE = 6
_KEYCTL_JOIN_SESSION_KEYRING = 1
_SECCOMP_SET_MODE_FILTER = 1
_BPF_PROG_LOAD = 5
_BPF_PROG_ATTACH = 8
_BPF_F_ALLOW_MULTI = 2
_LINUX_CAPABILITY_VERSION_3 = 0x20080522

Path = str | bytes | os.PathLike[str]
Argument = int | bytes | None


def _fail(call: str, subject: object, detail: str = "") -> SyscallError:
    number = ctypes.get_errno()
    subject = os.fsdecode(subject) if isinstance(subject, bytes | os.PathLike) else subject
    reason = f"{os.strerror(number)} ({detail})" if detail else os.strerror(number)
    return SyscallError(f"{call} {subject}: {reason}", call=call, errno=number)


def _call(call: str, subject: object, number: int, *arguments: Argument) -> int:
    result: int = _SYSCALL(number, *arguments, *(0,) * (6 - len(arguments)))
    if result < 0:
        raise _fail(call, subject)
    return result


def clone3(flags: Clone, *, cgroup: int | None = None, exit_signal: int = SIGCHLD) -> tuple[int, int]:
    """Makes a child process; returns (pid, pidfd) in the parent and (0, -1) in the child.

    The child is a copy of a single-threaded process: the caller must have no other thread. `cgroup` is a descriptor of
    a cgroup v2 directory to be born in. With Clone.PARENT, `exit_signal` must be 0.
    """
    pidfd = ctypes.c_int(-1)
    wanted = int(flags) | _CLONE_PIDFD | (0 if cgroup is None else _CLONE_INTO_CGROUP)
    packed = struct.pack("=11Q", wanted, ctypes.addressof(pidfd), 0, 0, exit_signal, 0, 0, 0, 0, 0, cgroup or 0)
    pid = _call("clone3", flags, _SYS_CLONE3, packed, len(packed))
    return pid, pidfd.value


def pidfd_getfd(pidfd: int, targetfd: int) -> int:
    """Returns a copy of another process's descriptor."""
    return _call("pidfd_getfd", targetfd, _SYS_PIDFD_GETFD, pidfd, targetfd, 0)


def unshare(flags: Clone) -> None:
    """Moves this process into new namespaces."""
    if _LIBRARY.unshare(int(flags)) < 0:
        raise _fail("unshare", flags)


def setdomainname(name: str) -> None:
    """Sets the NIS domain name of this UTS namespace."""
    encoded = name.encode()
    if _LIBRARY.setdomainname(encoded, len(encoded)) < 0:
        raise _fail("setdomainname", name)


def setns(fd: int, nstype: Clone) -> None:
    """Joins the namespace behind `fd`, or those of the process behind a pidfd."""
    if _LIBRARY.setns(fd, int(nstype)) < 0:
        raise _fail("setns", nstype)


def mount(source: str, target: Path, filesystemtype: str, mountflags: MountFlag, data: str = "") -> None:
    """Attaches a file system."""
    given = (source.encode(), os.fsencode(target), filesystemtype.encode() or None, int(mountflags), data.encode())
    if _LIBRARY.mount(*given) & 0xFFFFFFFF:
        raise _fail("mount", target)


def umount2(target: Path, flags: int) -> None:
    """Detaches a file system."""
    if _LIBRARY.umount2(os.fsencode(target), flags):
        raise _fail("umount2", target)


def open_tree(dirfd: int, path: Path, flags: int = 0, *, clone: bool = True) -> int:
    """Returns a descriptor of a mount: a detached copy if `clone`. AT_RECURSIVE copies what is mounted below, too."""
    wanted = flags | os.O_CLOEXEC | (_OPEN_TREE_CLONE if clone else 0) | (0 if path else AT_EMPTY_PATH)
    return _call("open_tree", path, _SYS_OPEN_TREE, dirfd, os.fsencode(path), wanted)


def move_mount(from_fd: int, to_dirfd: int, to_path: Path = "") -> None:
    """Attaches the detached mount behind `from_fd` at a path, or on the file behind `to_dirfd`."""
    flags = _MOVE_MOUNT_F_EMPTY_PATH | (0 if to_path else _MOVE_MOUNT_T_EMPTY_PATH)
    _call("move_mount", to_path, _SYS_MOVE_MOUNT, from_fd, b"", to_dirfd, os.fsencode(to_path), flags)


def mount_setattr(
    fd: int,
    flags: int = 0,
    *,
    attr_set: int = 0,
    propagation: int = 0,
    userns_fd: int = 0,
) -> None:
    """Changes the properties of the mount behind `fd`; IDMAP needs a detached one."""
    packed = struct.pack("=4Q", attr_set, 0, propagation, userns_fd)
    _call("mount_setattr", attr_set, _SYS_MOUNT_SETATTR, fd, b"", flags | AT_EMPTY_PATH, packed, len(packed))


def fsopen(filesystemtype: str) -> int:
    """Returns a descriptor of a file system about to be configured."""
    return _call("fsopen", filesystemtype, _SYS_FSOPEN, filesystemtype.encode(), 1)


def fsconfig_set(fs_fd: int, key: str, value: str | None = None) -> None:
    """Sets one option of a file system, or a flag when there is no value."""
    command = _FSCONFIG_SET_FLAG if value is None else _FSCONFIG_SET_STRING
    encoded = None if value is None else os.fsencode(value)
    _fsconfig(fs_fd, key, command, key.encode(), encoded, 0)


def fsconfig_create(fs_fd: int) -> None:
    """Makes the configured file system."""
    _fsconfig(fs_fd, "create", _FSCONFIG_CMD_CREATE, None, None, 0)


def _fsconfig(fs_fd: int, subject: str, *arguments: Argument) -> None:
    if _SYSCALL(_SYS_FSCONFIG, fs_fd, *arguments, 0) < 0:
        number = ctypes.get_errno()
        try:  # the kernel says what it disliked on the descriptor, one message a read
            said = os.read(fs_fd, 4096).decode(errors="replace").removeprefix("e ").strip()
        except OSError:
            said = ""
        ctypes.set_errno(number)
        raise _fail("fsconfig", subject, said)


def fsmount(fs_fd: int, attributes: Attribute) -> int:
    """Returns a descriptor of a detached mount of a file system that was made."""
    return _call("fsmount", attributes, _SYS_FSMOUNT, fs_fd, 1, int(attributes))


def pivot_root(new_root: Path, put_old: Path) -> None:
    """Makes `new_root` the root of this mount namespace."""
    if _LIBRARY.pivot_root(os.fsencode(new_root), os.fsencode(put_old)):
        raise _fail("pivot_root", new_root)


def openat2(dirfd: int, path: Path, flags: int, resolve: Resolve, mode: int = 0) -> int:
    """Opens a path with rules on how it may be resolved.

    The kernel gives up (EAGAIN) on `..` below a root while anything on the machine is renamed or mounted: then again.
    """
    packed = struct.pack("=3Q", flags | os.O_CLOEXEC, mode, int(resolve))
    for _ in range(_MOST_RESOLUTIONS):
        try:
            return _call("openat2", path, _SYS_OPENAT2, dirfd, os.fsencode(path), packed, len(packed))
        except SyscallError as error:
            if error.errno != errno.EAGAIN:
                raise
    return _call("openat2", path, _SYS_OPENAT2, dirfd, os.fsencode(path), packed, len(packed))


def syncfs(fd: int) -> None:
    """Writes everything of a file system to its disk."""
    if _LIBRARY.syncfs(fd) < 0:
        raise _fail("syncfs", f"descriptor {fd}")


def inotify_init1(flags: int) -> int:
    """Returns a descriptor that tells of changes to files."""
    fd: int = _LIBRARY.inotify_init1(flags)
    if fd < 0:
        raise _fail("inotify_init1", "")
    return fd


def inotify_add_watch(fd: int, pathname: Path, mask: int) -> int:
    """Watches a file or directory; returns what its events are told by. Read them from `fd`; see inotify(7)."""
    watch: int = _LIBRARY.inotify_add_watch(fd, os.fsencode(pathname), mask)
    if watch < 0:
        raise _fail("inotify_add_watch", pathname)
    return watch


def inotify_rm_watch(fd: int, wd: int) -> None:
    """Ends a watch."""
    if _LIBRARY.inotify_rm_watch(fd, wd) < 0:
        raise _fail("inotify_rm_watch", str(wd))


def close_range(first: int, last: int) -> None:
    """Closes the descriptors from `first` to `last`."""
    _call("close_range", first, _SYS_CLOSE_RANGE, first, last, 0)


def prctl(option: int, *arguments: int) -> int:
    """Does one of many things to this process."""
    result: int = _LIBRARY.prctl(option, *arguments, *(0,) * (4 - len(arguments)))
    if result < 0:
        raise _fail("prctl", str(option))
    return result


def capset(effective: int, permitted: int, inheritable: int) -> None:
    """Sets this process's capabilities, given as masks."""
    low = [mask & 0xFFFFFFFF for mask in (effective, permitted, inheritable)]
    high = [mask >> 32 for mask in (effective, permitted, inheritable)]
    if _LIBRARY.capset(struct.pack("=Ii", _LINUX_CAPABILITY_VERSION_3, 0), struct.pack("=6I", *low, *high)):
        raise _fail("capset", f"{permitted:#x}")


def seccomp(program: bytes) -> None:
    """Installs a filter: `program` is an array of struct sock_filter."""
    code = ctypes.create_string_buffer(program, len(program))
    packed = struct.pack("=HxxxxxxQ", len(program) // 8, ctypes.addressof(code))
    _call("seccomp", "SET_MODE_FILTER", _SYS_SECCOMP[os.uname().machine], _SECCOMP_SET_MODE_FILTER, 0, packed)


def landlock_create_ruleset(scoped: int) -> int:
    """Returns a descriptor of rules that keep a process from what lies outside: LANDLOCK_SCOPE_* (Linux 6.12)."""
    packed = struct.pack("=3Q", 0, 0, scoped)
    return _call("landlock_create_ruleset", str(scoped), _SYS_LANDLOCK_CREATE_RULESET, packed, len(packed), 0)


def landlock_restrict_self(ruleset_fd: int) -> None:
    """Puts this process, and all that come from it, under rules."""
    _call("landlock_restrict_self", str(ruleset_fd), _SYS_LANDLOCK_RESTRICT_SELF, ruleset_fd, 0)


def join_session_keyring() -> None:
    """Gives this process a new, empty session keyring."""
    _call("keyctl", "JOIN_SESSION_KEYRING", _SYS_KEYCTL[os.uname().machine], _KEYCTL_JOIN_SESSION_KEYRING, None)


def bpf_prog_load(prog_type: int, instructions: bytes) -> int:
    """Returns a descriptor of a program that the kernel has verified: `instructions` is an array of struct bpf_insn."""
    code = ctypes.create_string_buffer(instructions, len(instructions))
    licence = ctypes.create_string_buffer(b"GPL")
    addresses = (ctypes.addressof(code), ctypes.addressof(licence))
    packed = struct.pack("=IIQQIIQII", prog_type, len(instructions) // 8, *addresses, 0, 0, 0, 0, 0)
    return _call("bpf", "PROG_LOAD", _SYS_BPF[os.uname().machine], _BPF_PROG_LOAD, packed, len(packed))


def bpf_prog_attach(target_fd: int, prog_fd: int, attach_type: int) -> None:
    """Attaches a program to the cgroup behind `target_fd`, beside those that are there; it lives as long as that."""
    packed = struct.pack("=IIII", target_fd, prog_fd, attach_type, _BPF_F_ALLOW_MULTI)
    _call("bpf", "PROG_ATTACH", _SYS_BPF[os.uname().machine], _BPF_PROG_ATTACH, packed, len(packed))
