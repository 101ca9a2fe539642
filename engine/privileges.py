"""Gives up, on the way to a container's program, everything that the program must not have.

The order matters and lies with the callers: the bounding set first, then the filter of system calls (which needs a
capability to be installed), then the user, last the capabilities that are left.
"""

import os
import signal
from pathlib import Path
from typing import NamedTuple

from engine import capabilities, seccomp, syscalls
from engine.errors import SyscallError
from engine.spec import ContainerSpec
from engine.syscalls import Prctl
from engine.users import User

_LAST_CAPABILITY = 63
_LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET = 1  # linux/landlock.h
_IGNORED = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)


class Privileges(NamedTuple):
    """What a container's programs may do: a mask of capabilities and a filter of system calls (empty: none).

    With `no_new_privileges`, a setuid file gives nothing to who executes it. Without `abstract_sockets`, programs do
    not reach those of the host (unix(7)), which has them in its network namespace.
    """

    capabilities: int
    seccomp_program: bytes
    no_new_privileges: bool = False
    abstract_sockets: bool = True


def granted(spec: ContainerSpec, cache: Path | None) -> Privileges:
    """What the programs of a container may do; StartError for a capability that does not exist.

    `cache` is where compiled filters are kept; see `seccomp.program`.
    """
    confinement = spec.confinement
    if confinement.privileged:
        names = frozenset(capabilities.NAMES)
    else:
        names = capabilities.allowed(spec.cap_add, spec.cap_drop)
    if confinement.seccomp == "unconfined" or (confinement.privileged and not confinement.seccomp):
        program = b""
    elif confinement.seccomp:
        from engine import seccomp_profile  # noqa: PLC0415 - few containers bring a profile of their own

        program = seccomp_profile.program(confinement.seccomp, names, cache)
    else:
        program = seccomp.program(names, cache)
    return Privileges(
        capabilities.mask(names),
        program,
        confinement.no_new_privileges,
        abstract_sockets=spec.namespaces.network != "host" or confinement.privileged,
    )


def become_root() -> None:
    """Makes this process, which is nobody in its new user namespace, the root there."""
    os.setgroups(())
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    # Another id may make a process visible to others of that id again; see fs.suid_dumpable in proc_sys_fs(5).
    syscalls.prctl(Prctl.SET_DUMPABLE, 0)


def drop(privileges: Privileges, user: User) -> None:
    """Becomes `user` with no more than `privileges`; capabilities stay with uid 0 alone, as everywhere."""
    if not privileges.abstract_sockets:
        _leave_abstract_sockets()
    bound_capabilities(privileges.capabilities)
    if privileges.no_new_privileges:
        syscalls.prctl(Prctl.SET_NO_NEW_PRIVS, 1)
    if privileges.seccomp_program:
        syscalls.seccomp(privileges.seccomp_program)
    os.setgroups(user.groups)
    os.setresgid(user.gid, user.gid, user.gid)
    os.setresuid(user.uid, user.uid, user.uid)
    syscalls.prctl(Prctl.SET_DUMPABLE, 0)
    kept = privileges.capabilities if user.uid == 0 else 0
    syscalls.capset(kept, kept, 0)


def _leave_abstract_sockets() -> None:
    """Keeps this process from abstract sockets outside; on Linux before 6.12 there is no way to."""
    try:
        rules = syscalls.landlock_create_ruleset(_LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET)
    except SyscallError:
        return
    syscalls.landlock_restrict_self(rules)
    os.close(rules)


def bound_capabilities(kept: int) -> None:
    """Removes every capability outside `kept` from what an executed program can ever get."""
    syscalls.prctl(Prctl.CAP_AMBIENT, Prctl.CAP_AMBIENT_CLEAR_ALL)
    for number in range(_LAST_CAPABILITY + 1):
        if not kept >> number & 1:
            try:
                syscalls.prctl(Prctl.CAPBSET_DROP, number)
            except SyscallError:  # the first number that this kernel does not know
                return


def become_ordinary() -> None:
    """Sets what a program takes for granted: a session of its own, signals that arrive, the umask, a keyring."""
    os.setsid()
    os.umask(0o022)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    syscalls.join_session_keyring()


def stop_ignoring_signals() -> None:
    """Makes this process do nothing on the signals that it ignores.

    What is ignored stays so in every program that is executed, while a handler ends there; and Python ignores SIGPIPE.
    """
    for number in _IGNORED:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, _do_nothing)


def _do_nothing(_number: int, _frame: object) -> None:
    """Handles a signal."""
