"""What a container is shut off from."""

import os
import socket
import stat
from pathlib import Path

import pytest

from engine.spec import Namespaces
from tests.kernel.engine.boxes import Boxes

pytestmark = pytest.mark.root

DEFAULT_CAPABILITIES = "00000000800405fb"
NONE = "0000000000000000"


def test_its_ids_are_a_range_of_its_own(boxes: Boxes) -> None:
    box = boxes.start("cat", "/proc/self/uid_map", "/proc/self/gid_map")
    lines = box.wait().output.split("\n")[:2]
    assert [line.split() for line in lines] == [["0", str(box.first_id), "65536"]] * 2
    other = boxes.start("true")
    assert other.first_id != box.first_id


def test_what_its_root_writes_belongs_to_nobody_on_disk(boxes: Boxes) -> None:
    box = boxes.start("sh", "-c", "touch /made && chown 1000:1001 /made && cp /bin/busybox /suid && chmod 4755 /suid")
    box.wait()
    made, suid = (box.upper / "made").stat(), (box.upper / "suid").stat()
    assert (made.st_uid, made.st_gid) == (box.first_id + 1000, box.first_id + 1001)
    assert suid.st_uid == box.first_id
    assert suid.st_mode & stat.S_ISUID


def test_layers_are_shared_and_never_written(boxes: Boxes, busybox_layer: Path) -> None:
    before = (busybox_layer / "etc" / "passwd").stat()
    assert boxes.sh("echo more >>/etc/passwd; tail -1 /etc/passwd; stat -c %u /etc/passwd").output == "more\n0\n"
    after = (busybox_layer / "etc" / "passwd").stat()
    assert (after.st_mtime_ns, after.st_uid) == (before.st_mtime_ns, 0)
    assert boxes.sh("tail -1 /etc/passwd").output.startswith("nobody")


def test_root_has_eleven_capabilities_and_none_to_hand_on(boxes: Boxes) -> None:
    assert boxes.sh("grep ^Cap /proc/self/status").output.split() == [
        *("CapInh:", NONE, "CapPrm:", DEFAULT_CAPABILITIES, "CapEff:", DEFAULT_CAPABILITIES),
        *("CapBnd:", DEFAULT_CAPABILITIES, "CapAmb:", NONE),
    ]


def test_setuid_files_of_an_image_may_work(boxes: Boxes) -> None:
    assert boxes.sh("grep ^NoNewPrivs /proc/self/status", user="1000").output.split() == ["NoNewPrivs:", "0"]


def test_other_users_have_no_capability(boxes: Boxes) -> None:
    assert boxes.sh("grep ^Cap /proc/self/status", user="1000").output.split() == [
        *("CapInh:", NONE, "CapPrm:", NONE, "CapEff:", NONE, "CapBnd:", DEFAULT_CAPABILITIES, "CapAmb:", NONE),
    ]


def test_capabilities_are_added_and_dropped_by_name(boxes: Boxes) -> None:
    said = boxes.sh("grep ^CapEff /proc/self/status", cap_drop=("ALL",), cap_add=("NET_ADMIN", "CAP_CHOWN")).output
    assert said.split()[1] == f"{1 << 12 | 1 << 0:016x}"
    unknown = boxes.failure("true", cap_add=("NET_ADMIM",))
    assert unknown.message == "there is no capability 'NET_ADMIM'"


def test_it_gets_exactly_three_descriptors(boxes: Boxes) -> None:
    # A shell's own glob reads the directory with one more descriptor, which is the shell's.
    said = boxes.sh("for n in /proc/1/fd/*; do readlink $n; done").output.split()
    assert len(said) == 3
    assert said[0] == "/dev/null"


def test_its_parent_and_other_processes_are_out_of_sight(boxes: Boxes) -> None:
    said = boxes.sh("echo $$ $PPID; ls -d /proc/[0-9]*").output.split()
    assert said[:2] == ["1", "0"]
    assert set(said[2:]) <= {"/proc/1", "/proc/2", "/proc/3"}


def test_nothing_of_the_host_is_mounted(boxes: Boxes) -> None:
    mounts = boxes.run("cat", "/proc/mounts").output
    assert str(boxes.roots.data) not in mounts
    targets = [line.split()[1] for line in mounts.splitlines()]
    assert targets[0] == "/"
    assert not [target for target in targets if not target.startswith(("/proc", "/sys", "/dev", "/etc/"))][1:]


@pytest.mark.parametrize(
    "path", ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/kallsyms", "/proc/interrupts", "/proc/iomem"]
)
def test_files_that_tell_about_the_host_are_empty(boxes: Boxes, path: str) -> None:
    assert boxes.sh(f"if test -e {path}; then wc -c <{path}; else echo 0; fi").output == "0\n"


def test_directories_that_tell_about_the_host_are_empty(boxes: Boxes) -> None:
    assert boxes.sh("ls /sys/firmware /sys/kernel/security 2>/dev/null | grep -v : | wc -w").output == "0\n"


@pytest.mark.parametrize("path", ["/proc/sys/kernel/hostname", "/proc/sys/net/ipv4/ip_forward"])
def test_kernel_settings_are_read_only(boxes: Boxes, path: str) -> None:
    assert "Read-only file system" in boxes.sh(f"echo 1 >{path}").output


def test_sys_and_cgroups_are_read_only(boxes: Boxes) -> None:
    said = boxes.sh("mkdir /sys/fs/cgroup/x; echo 1 >/sys/kernel/uevent_seqnum; cut -d: -f3 /proc/self/cgroup").output
    assert said.count("Read-only file system") == 2
    assert set(said.split("\n")[2:-1]) == {"/"}


def test_no_device_can_be_made_and_six_can_be_used(boxes: Boxes) -> None:
    said = boxes.sh(
        "mknod /tmp/disk b 254 0; for n in null zero full random urandom tty; do test -c /dev/$n && echo $n; done;"
        "echo x >/dev/null && head -c 4 /dev/zero | wc -c; ls /dev | wc -w"
    ).output.split("\n")
    assert "Operation not permitted" in said[0]
    assert said[1:] == ["null", "zero", "full", "random", "urandom", "tty", "4", "14", ""]


def test_no_user_namespace_is_made_inside(boxes: Boxes) -> None:
    said = boxes.sh("unshare -U true; unshare -m true; cat /proc/sys/user/max_user_namespaces").output
    assert said.count("Operation not permitted") == 2
    assert said.endswith("\n0\n")


def test_the_second_lock_holds_without_the_filter(boxes: Boxes) -> None:
    # SYS_ADMIN opens mount and unshare in the filter, but never a user namespace.
    said = boxes.sh("unshare -m true && echo mounts; unshare -U true", cap_add=("SYS_ADMIN",)).output
    assert said.startswith("mounts\n")
    assert "Operation not permitted" in said


SOCKETS = """
import errno, socket
for family, kind, protocol in (
    (socket.AF_UNIX, socket.SOCK_STREAM, 0), (socket.AF_INET, socket.SOCK_STREAM, 0),
    (socket.AF_INET6, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, 17), (socket.AF_NETLINK, socket.SOCK_RAW, 0),
    (38, socket.SOCK_SEQPACKET, 0), (40, socket.SOCK_STREAM, 0), (socket.AF_PACKET, socket.SOCK_RAW, 0),
    (socket.AF_INET, socket.SOCK_SEQPACKET, 0), (socket.AF_INET, socket.SOCK_STREAM, 132), (socket.AF_NETLINK, 3, 9),
    (44, socket.SOCK_RAW, 0), (30, socket.SOCK_SEQPACKET, 0),
):
    try:
        socket.socket(family, kind, protocol).close()
        print("ok")
    except OSError as error:
        print(errno.errorcode[error.errno])
"""


def test_rare_socket_families_do_not_exist(boxes: Boxes) -> None:
    assert boxes.python(SOCKETS).output.split() == [
        *("ok", "ok", "ok", "ok"),
        *("EAFNOSUPPORT", "EAFNOSUPPORT", "EAFNOSUPPORT", "ENOSYS", "ENOSYS", "EINVAL", "EAFNOSUPPORT", "EAFNOSUPPORT"),
    ]


CALLS = """
import ctypes, errno
library = ctypes.CDLL(None, use_errno=True)
for number in {numbers}:
    library.syscall(number, 0, 0, 0, 0, 0, 0)
    print(errno.errorcode[ctypes.get_errno()])
"""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of x86-64")
def test_calls_past_the_namespaces_are_refused(boxes: Boxes) -> None:
    # bpf, perf_event_open, keyctl, add_key, userfaultfd, mount; clone3, io_uring_setup, and bpf by its x32 number
    numbers = (321, 298, 250, 248, 323, 165, 435, 425, 0x40000000 + 321)
    said = boxes.python(CALLS.format(numbers=numbers)).output.split()
    assert said == ["EPERM"] * 6 + ["ENOSYS"] * 3


PING = """
import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP).close()
server = socket.create_server(("127.0.0.1", 80))
print("ping and port 80 as", __import__("os").getuid())
"""


def test_any_user_may_ping_and_serve_on_port_80(boxes: Boxes) -> None:
    assert boxes.python(PING, user="1000").output == "ping and port 80 as 1000\n"


def test_core_dumps_are_off_and_files_are_many(boxes: Boxes) -> None:
    said = boxes.sh("ulimit -c; ulimit -l; test $(ulimit -n) -ge 1024 && echo many").output
    assert said == "0\n8192\nmany\n"


def test_the_kernel_may_kill_it_first(boxes: Boxes) -> None:
    assert boxes.run("cat", "/proc/self/oom_score_adj").output == "100\n"


def test_sigpipe_works_as_programs_expect(boxes: Boxes) -> None:
    ignored = int(boxes.run("grep", "^SigIgn", "/proc/self/status").output.split()[1], 16)
    assert ignored & 0x7FFFFFFF == 0  # posix_spawn leaves the C library's own two, 32 and 33, ignored


CONNECT = """
import socket
for name in ("\\0windlass-test", "\\0own"):
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        if name == "\\0own":
            server.bind(name)
            server.listen()
        try:
            client.connect(name)
            print("connected")
        except PermissionError:
            print("kept away")
"""


def test_in_the_hosts_network_abstract_sockets_of_the_host_are_out_of_reach(boxes: Boxes) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("\0windlass-test")
        server.listen()
        ended = boxes.python(CONNECT, namespaces=Namespaces(network="host"))
    assert ended.output.splitlines() == ["kept away", "connected"]
