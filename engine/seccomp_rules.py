"""Decides which system calls a container's programs may make.

What is not named here does not exist: it fails with ENOSYS, which programs meet on older kernels and know how to live
with. What only an administrator may do anyway fails with EPERM, which is what programs expect of it.
"""

from errno import EAFNOSUPPORT, EINVAL, EPERM
from typing import Literal, NamedTuple

_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK, _AF_PACKET = 1, 2, 10, 16, 17
_SOCK_STREAM, _SOCK_DGRAM, _SOCK_RAW, _SOCK_TYPE_MASK = 1, 2, 3, 0xF
_TCP, _UDP, _ICMP, _ICMPV6, _UDPLITE, _MPTCP = 6, 17, 1, 58, 136, 262
_NETLINK_AUDIT = 9
_NEW_NAMESPACES = 0x7E020080  # CLONE_NEW*, clone(2)
_NEWUSER = 0x10000000
_ALL_BITS = 0xFFFFFFFFFFFFFFFF

Operator = Literal["not equal", "below", "at most", "equal", "at least", "above", "masked"]
Verdict = Literal["", "kill process", "kill thread", "trap", "log"]


class Condition(NamedTuple):
    """A comparison of one argument of a call: `masked` compares argument & `mask` with `value`."""

    argument: int
    operator: Operator
    value: int
    mask: int = _ALL_BITS


class Rule(NamedTuple):
    """What happens to a call when every condition holds: `error` 0 lets it through, else it fails with that number.

    A `verdict` stands for more: the end of the process, of the thread, a signal, a line in the host's log.
    """

    call: str
    error: int = 0
    conditions: tuple[Condition, ...] = ()
    verdict: Verdict = ""


# Files, memory, processes, signals, time, sockets: what any program may ask for, grouped by what it is about.
_ALLOWED = """
access alarm arch_prctl bind brk cachestat capget capset chdir chmod chown clock_getres clock_gettime clock_nanosleep
close close_range connect copy_file_range creat dup dup2 dup3 accept accept4

epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 execve execveat exit
exit_group faccessat faccessat2 fadvise64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchownat
fcntl fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstatfs fsync ftruncate futex futex_requeue
futex_wait futex_waitv futex_wake futimesat

get_mempolicy get_robust_list get_thread_area getcpu getcwd getdents getdents64 getegid geteuid getgid getgroups
getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresuid getrlimit getrusage
getsid getsockname getsockopt gettid gettimeofday getuid getxattr getxattrat

inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_setup
io_submit ioctl ioprio_get ioprio_set kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown
lgetxattr link linkat listen listmount listxattr listxattrat llistxattr lremovexattr lseek lsetxattr lstat

madvise map_shadow_stack mbind membarrier memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2
mlockall mmap mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink mremap mseal msgctl msgget
msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep newfstatat open openat openat2

pause pidfd_getfd pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll prctl pread64
preadv preadv2 prlimit64 process_madvise process_mrelease process_vm_readv process_vm_writev pselect6 ptrace pwrite64
pwritev pwritev2

read readahead readlink readlinkat readv recvfrom recvmmsg recvmsg remap_file_pages removexattr removexattrat rename
renameat renameat2 restart_syscall riscv_flush_icache riscv_hwprobe rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask
rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo

sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler
sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select
semctl semget semop semtimedop sendfile sendmmsg sendmsg sendto set_mempolicy set_mempolicy_home_node set_robust_list
set_thread_area set_tid_address setfsgid setfsuid setgid setgroups setitimer setpgid setpriority setregid setresgid
setresuid setreuid setrlimit setsid setsockopt setuid setxattr setxattrat shmat shmctl shmdt shmget shutdown sigaltstack
signalfd signalfd4 splice stat statfs statmount statx symlink symlinkat sync sync_file_range syncfs sysinfo

tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime
timerfd_settime times tkill truncate umask uname unlink unlinkat utime utimensat utimes vfork vmsplice wait4 waitid
write writev
"""

# What needs a capability is let through with it, and refused without it.
_BY_CAPABILITY = {
    "SYS_ADMIN": "fanotify_init fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree "
    "open_tree_attr pivot_root quotactl quotactl_fd setdomainname sethostname setns umount2",
    "DAC_READ_SEARCH": "open_by_handle_at",
    "SYS_BOOT": "reboot",
    "SYS_CHROOT": "chroot",
    "SYS_MODULE": "delete_module finit_module init_module",
    "SYS_PACCT": "acct",
    "SYS_PTRACE": "kcmp",
    "SYS_RAWIO": "ioperm iopl",
    "SYS_TIME": "adjtimex clock_adjtime clock_settime settimeofday",
    "SYS_TTY_CONFIG": "vhangup",
    "SYSLOG": "syslog",
}
# Never let through, whatever the capabilities: they reach the kernel past every namespace.
_REFUSED = """
add_key bpf kexec_file_load kexec_load keyctl lookup_dcookie move_pages migrate_pages perf_event_open
request_key swapoff swapon userfaultfd
"""
# personality(2): the ordinary one, Linux 2.6 version numbers, 32-bit addresses, no randomisation, and a question.
_PERSONALITIES = (0x0, 0x8, 0x20000, 0x20008, 0x40000, 0xFFFFFFFF)


def rules(capabilities: frozenset[str]) -> tuple[Rule, ...]:
    """Every rule for programs that may have these capabilities."""
    decided = [Rule(call) for call in _ALLOWED.split()]
    refused = set(_REFUSED.split())
    for capability, calls in _BY_CAPABILITY.items():
        allowed = capability in capabilities
        decided.extend(Rule(call, 0 if allowed else EPERM) for call in calls.split() if call not in refused)
    decided.extend(Rule(call, EPERM) for call in sorted(refused))
    decided.extend(Rule("personality", 0, (Condition(0, "equal", value),)) for value in _PERSONALITIES)
    return (*decided, *_namespace_rules(capabilities), *_socket_rules(capabilities))


def _namespace_rules(capabilities: frozenset[str]) -> tuple[Rule, ...]:
    """No new user namespace for anybody: every other lock of the kernel may be tried from inside one.

    clone3 hides its flags from filters; it is missing from the list, and C libraries then use clone.
    """
    forbidden = _NEWUSER if "SYS_ADMIN" in capabilities else _NEW_NAMESPACES
    bits = [1 << number for number in range(32) if forbidden >> number & 1]
    clone_bits = [bit for bit in bits if bit != 0x80]  # in clone's flags this bit is part of the exit signal
    clone_mask = sum(clone_bits)
    return (
        Rule("clone", 0, (Condition(0, "masked", 0, clone_mask),)),
        *(Rule("clone", EPERM, (Condition(0, "masked", bit, bit),)) for bit in clone_bits),
        Rule("unshare", 0, (Condition(0, "masked", 0, forbidden),)),
        *(Rule("unshare", EPERM, (Condition(0, "masked", bit, bit),)) for bit in bits),
    )


def _socket_rules(capabilities: frozenset[str]) -> tuple[Rule, ...]:
    """Sockets by allow-list: most of the kernel's escapes of the last years began with a rare family or protocol."""
    decided = [
        Rule("socket", 0, (Condition(0, "equal", _AF_UNIX),)),
        Rule("socket", 0, (Condition(0, "equal", _AF_NETLINK), Condition(2, "not equal", _NETLINK_AUDIT))),
        # This is how a kernel without auditing answers, and what PAM takes for an answer.
        Rule("socket", EINVAL, (Condition(0, "equal", _AF_NETLINK), Condition(2, "equal", _NETLINK_AUDIT))),
        Rule("socketpair", 0, (Condition(0, "equal", _AF_UNIX),)),
    ]
    for family in (_AF_INET, _AF_INET6):
        for kind, protocols in (
            (_SOCK_STREAM, (0, _TCP, _MPTCP)),
            (_SOCK_DGRAM, (0, _UDP, _UDPLITE, _ICMP, _ICMPV6)),
        ):
            decided.extend(
                Rule("socket", 0, (*_kind(family, kind), Condition(2, "equal", protocol))) for protocol in protocols
            )
        decided.append(Rule("socket", 0, _kind(family, _SOCK_RAW)))
    known = [_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK]
    if "NET_RAW" in capabilities:
        decided.append(Rule("socket", 0, (Condition(0, "equal", _AF_PACKET),)))
        known.append(_AF_PACKET)
    unknown = (family for family in range(_AF_PACKET + 1) if family not in known)
    decided.extend(Rule("socket", EAFNOSUPPORT, (Condition(0, "equal", family),)) for family in unknown)
    return (*decided, Rule("socket", EAFNOSUPPORT, (Condition(0, "above", _AF_PACKET),)))


def _kind(family: int, kind: int) -> tuple[Condition, ...]:
    return Condition(0, "equal", family), Condition(1, "masked", kind, _SOCK_TYPE_MASK)
