"""What the settings of a service's programs do, as they find it inside."""

import os
from pathlib import Path

import pytest

from engine import seccomp_profile
from engine.spec import BindMount, BlockLimit, BlockLimits, Confinement, Device, Limits, ResourceLimit
from tests.kernel.engine.boxes import Boxes

pytestmark = pytest.mark.root


def test_resource_limits_are_those_that_were_chosen(boxes: Boxes) -> None:
    limits = (
        ResourceLimit(name="nofile", soft=7, hard=2000),
        ResourceLimit(name="nproc", soft=300, hard=400),
        ResourceLimit(name="core", soft=-1, hard=-1),
        ResourceLimit(name="stack", soft=1 << 20, hard=-1),
    )
    box = boxes.start("sleep", "1000", resource_limits=limits)
    said = box.enter("cat", "/proc/1/limits").output + box.enter("cat", "/proc/self/limits").output
    lines = [line.split("  ") for line in said.splitlines()]
    shown = [[part.strip() for part in line if part.strip()][:3] for line in lines]
    for expected in (
        ["Max open files", "7", "2000"],
        ["Max processes", "300", "400"],
        ["Max core file size", "unlimited", "unlimited"],
        ["Max stack size", "1048576", "unlimited"],
        ["Max realtime priority", "0", "0"],
    ):
        assert shown.count(expected) == 2, expected


def test_a_limit_that_the_kernel_refuses_is_named(boxes: Boxes) -> None:
    limits = (ResourceLimit(name="nofile", soft=1 << 40, hard=1 << 40),)
    failure = boxes.failure("true", resource_limits=limits)
    assert failure.message.startswith(f"cannot set the limit nofile to {1 << 40}:{1 << 40}: ")
    assert "fs.nr_open" in failure.hint


def test_more_groups_are_joined_by_name_or_number(boxes: Boxes) -> None:
    box = boxes.start("sh", "-c", "id -G; sleep 1000", user="bob", groups=("60", "777", "root"))
    assert os.read(box.output, 100) == b"1001 0 10 60 777\n"
    assert box.enter("id", "-G", user="bob:wheel", groups=("777",)).output == "10 777\n"
    assert boxes.failure("true", groups=("crew",)).message == "cannot run as '': the image has no group 'crew'"


def test_the_order_in_which_the_kernel_ends_processes_can_be_chosen(boxes: Boxes) -> None:
    box = boxes.start("sleep", "1000", oom_score_adjustment=700)
    assert box.enter("cat", "/proc/1/oom_score_adj", "/proc/self/oom_score_adj").output == "700\n700\n"


def test_settings_of_the_containers_own_namespaces_are_set(boxes: Boxes) -> None:
    sysctls = {
        "net.core.somaxconn": "2222",
        "net.ipv4.ip_forward": "1",
        "kernel.shmmax": "123456789",
        "kernel.msgmax": "9000",
        "fs.mqueue.msg_max": "20",
        "net/ipv4/conf/lo/forwarding": "0",
    }
    said = boxes.sh(
        "cd /proc/sys; cat net/core/somaxconn net/ipv4/ip_forward kernel/shmmax kernel/msgmax fs/mqueue/msg_max "
        "net/ipv4/conf/lo/forwarding",
        sysctls=sysctls,
    )
    assert said.output.split() == ["2222", "1", "123456789", "9000", "20", "0"]


def test_a_setting_that_a_container_has_not_is_named(boxes: Boxes) -> None:
    failure = boxes.failure("true", sysctls={"net.core.rmem_maxx": "1"})
    said = "cannot set the sysctl net.core.rmem_maxx: this kernel has none of that name in a container"
    assert failure.message == said
    failure = boxes.failure("true", sysctls={"net.core.somaxconn": "many"})
    assert failure.message == "cannot set the sysctl net.core.somaxconn to 'many': Invalid argument"


def test_nobody_gains_privileges_where_that_was_asked_for(boxes: Boxes) -> None:
    box = boxes.start("sleep", "1000", confinement=Confinement(no_new_privileges=True))
    said = box.enter("grep", "-h", "NoNewPrivs", "/proc/1/status", "/proc/self/status").output
    assert said == "NoNewPrivs:\t1\nNoNewPrivs:\t1\n"
    assert boxes.sh("grep NoNewPrivs /proc/self/status").output == "NoNewPrivs:\t0\n"


def test_the_filter_of_system_calls_can_be_left_out_or_replaced(boxes: Boxes) -> None:
    said = boxes.sh("grep Seccomp: /proc/1/status", confinement=Confinement(seccomp="unconfined"))
    assert said.output == "Seccomp:\t0\n"
    profile = """{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95}]}"""
    seccomp_profile.check(profile)
    box = boxes.start("sleep", "1000", confinement=Confinement(seccomp=profile))
    tried = box.enter("sh", "-c", "mkdir /x; grep Seccomp: /proc/self/status").output
    assert tried == "mkdir: can't create directory '/x': Operation not supported\nSeccomp:\t2\n"


def test_paths_of_the_kernel_can_be_shown_and_hidden(boxes: Boxes) -> None:
    script = "cat /proc/interrupts | wc -l; grep -c ' /proc/sys ro,' /proc/self/mountinfo"
    plain = boxes.sh(script).output
    assert plain == "0\n1\n"
    opened = boxes.sh(script, confinement=Confinement(unmasked=True)).output
    assert int(opened.split()[0]) > 0
    assert opened.split()[1] == "0"
    chosen = Confinement(mask=("/etc/group",), unmask=("/proc/interrupts",))
    some = boxes.sh("cat /proc/interrupts | wc -l; wc -c </etc/group", confinement=chosen).output
    assert int(some.split()[0]) > 0
    assert some.split()[1:] == ["0"]


def test_privileged_is_everything_within_the_containers_own_user_namespace(boxes: Boxes) -> None:
    script = (
        "grep -E '^(CapEff|Seccomp:)' /proc/self/status; mount -t tmpfs none /mnt && echo mounted; "
        "test -b /dev/loop0 && echo device; echo 9 >/proc/sys/net/core/somaxconn && echo written; "
        "cut -d' ' -f1,2 /proc/self/uid_map | head -1 | grep -c ' 0$'; unshare -U true && echo nested"
    )
    box = boxes.start("sleep", "1000", confinement=Confinement(privileged=True))
    said = box.enter("sh", "-c", f"mkdir -p /mnt; {script}").output.split("\n")
    assert said[0].endswith("1ffffffffff")
    assert said[1:] == ["Seccomp:\t0", "mounted", "device", "written", "0", "nested", ""]
    assert Path(f"/proc/{box.launched.pid}/ns/user").readlink() != Path("/proc/self/ns/user").readlink()


def test_devices_of_the_host_are_the_containers_with_the_hosts_mode(boxes: Boxes) -> None:
    confinement = Confinement(
        devices=(
            Device(source="/dev/zero", target="/dev/inner/zero2"),
            Device(source="/dev/zero", target="/opt/zero"),
            Device(source="/dev/fuse", target="/dev/fuse"),
        )
    )
    said = boxes.sh(
        "head -c 3 /dev/inner/zero2 | wc -c; head -c 4 /opt/zero | wc -c; stat -c '%a %u %F' /dev/fuse; : </dev/fuse "
        "&& echo opened",
        confinement=confinement,
    )
    assert said.output == "3\n4\n600 0 character special file\nopened\n"


def test_permissions_of_a_device_hold_even_for_root(boxes: Boxes) -> None:
    confinement = Confinement(devices=(Device(source="/dev/zero", target="/dev/zero2", permissions="r"),))
    script = "head -c 3 /dev/zero2 | wc -c; echo x >/dev/zero2 || echo refused; echo x >/dev/null && echo usual"
    box = boxes.start("sleep", "1000", confinement=confinement)
    said = box.enter("sh", "-c", script).output
    # /dev/zero itself is one of the usual devices, so that the same numbers may be written to.
    assert said.startswith("3\n")
    assert said.endswith("usual\n")
    loop = Confinement(devices=(Device(source="/dev/loop0", target="/dev/disk", permissions="r"),))
    said = boxes.sh("true </dev/disk && echo read; true >>/dev/disk || echo refused", confinement=loop).output
    assert "read\n" in said
    assert said.endswith("refused\n")


def test_rules_for_devices_open_nodes_that_are_mounted(boxes: Boxes) -> None:
    mounts = (BindMount(source="/dev", target="/host", read_only=False),)
    confinement = Confinement(device_rules=("c 10:229 rw",))
    script = "true </host/fuse && echo fuse; true </host/loop0 && echo loop"
    said = boxes.sh(script, mounts=mounts, confinement=confinement).output
    assert "fuse\n" in said
    assert "loop\n" not in said


def test_a_device_that_is_none_is_refused(boxes: Boxes) -> None:
    confinement = Confinement(devices=(Device(source="/dev/nope", target="/dev/nope"),))
    failure = boxes.failure("true", confinement=confinement)
    assert failure.message == "cannot give the container /dev/nope: No such file or directory"
    confinement = Confinement(devices=(Device(source="/etc/passwd", target="/dev/x"),))
    failure = boxes.failure("true", confinement=confinement)
    assert failure.message == "cannot give the container /etc/passwd: it is no device"


def test_shares_of_the_machine_are_in_the_control_groups(boxes: Boxes) -> None:
    limits = Limits(
        memory_bytes=64 << 20,
        memory_reservation_bytes=32 << 20,
        swap_bytes=96 << 20,
        swappiness=10,
        oom_kill_disable=True,
        cpu_shares=512,
        cpu_quota_us=20000,
        cpu_period_us=50000,
        cpuset="0",
        block=BlockLimits(
            weight=300,
            read_bytes=(BlockLimit(path=_disk(), value=1 << 20),),
            write_operations=(BlockLimit(path=_disk(), value=100),),
        ),
    )
    box = boxes.start("sh", "-c", "grep Cpus_allowed_list /proc/self/status; sleep 1000", limits=limits)
    assert os.read(box.output, 100) == b"Cpus_allowed_list:\t0\n"
    found = _settings(box.cgroup.directories)
    numbers = Path(_disk()).stat().st_rdev
    disk = f"{os.major(numbers)}:{os.minor(numbers)}"
    version_1 = {
        "memory.soft_limit_in_bytes": str(32 << 20),
        "memory.memsw.limit_in_bytes": str(96 << 20),
        "memory.swappiness": "10",
        "blkio.bfq.weight": "300",
        "cpu.shares": "512",
        "cpu.cfs_quota_us": "20000",
        "cpu.cfs_period_us": "50000",
        "cpuset.cpus": "0",
        "blkio.throttle.read_bps_device": f"{disk} {1 << 20}",
        "blkio.throttle.write_iops_device": f"{disk} 100",
    }
    version_2 = {
        "memory.low": str(32 << 20),
        "memory.swap.max": str(32 << 20),
        "cpu.weight": "20",
        "cpu.max": "20000 50000",
        "cpuset.cpus": "0",
        "io.max": f"{disk} rbps={1 << 20} wbps=max riops=max wiops=100",
    }
    for name, value in {**version_1, **version_2}.items():
        if name in found:
            assert found[name] == value, name
    assert "cpuset.cpus" in found
    assert "oom_kill_disable 1" in found.get("memory.oom_control", "oom_kill_disable 1")


def test_a_control_group_elsewhere_goes_with_its_last_container(boxes: Boxes) -> None:
    parent = f"/wlproc-{os.urandom(3).hex()}/inner"
    box = boxes.start("sleep", "1000", cgroup_parent=parent)
    there = [Path(directory) for directory in box.cgroup.directories if Path(directory).exists()]
    assert there
    assert all(parent in str(directory) for directory in there)
    box.cgroup.kill()
    box.wait()
    box.cgroup.remove()
    assert not [directory for directory in there if directory.parents[2].exists()]


def _settings(directories: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for directory in directories:
        for path in Path(directory).glob("*.*"):
            try:
                found.setdefault(path.name, path.read_text().strip())
            except OSError:
                continue
    return found


def _disk() -> str:
    return next(f"/dev/{name}" for name in sorted(os.listdir("/sys/block")) if not name.startswith(("loop", "ram")))
