from pathlib import Path

from engine.cgroup_files import cgroup_files
from engine.cgroups import Hierarchies, find_hierarchies
from engine.spec import Limits

HYBRID = """\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""
UNIFIED = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"


def test_limits_of_version_2() -> None:
    assert cgroup_files(Limits(memory_bytes=1 << 20, cpus=1.5, pids=100), 2, 4194304) == {
        "memory.max": "1048576",
        "memory.swap.max": "1048576",
        "cpu.max": "150000 100000",
        "pids.max": "100",
    }


def test_limits_of_version_1() -> None:
    assert cgroup_files(Limits(memory_bytes=1 << 20, cpus=0.25, pids=-1), 1, 4194304) == {
        "memory.limit_in_bytes": "1048576",
        "memory.memsw.limit_in_bytes": "2097152",
        "cpu.cfs_period_us": "100000",
        "cpu.cfs_quota_us": "25000",
        "pids.max": "max",
    }


def test_processes_are_bounded_by_the_hosts_size() -> None:
    assert cgroup_files(Limits(), 2, 4194304) == {"pids.max": "8192"}
    assert cgroup_files(Limits(), 2, 32768) == {"pids.max": "8192"}
    assert cgroup_files(Limits(), 2, 20000) == {"pids.max": "5000"}
    assert cgroup_files(Limits(), 2, 1000) == {"pids.max": "4096"}


def test_a_tiny_share_is_still_one_that_the_kernel_takes() -> None:
    assert cgroup_files(Limits(cpus=0.001), 2, 4194304)["cpu.max"] == "1000 100000"


def test_hybrid_hosts_limit_on_version_1() -> None:
    assert find_hierarchies(HYBRID) == Hierarchies(
        Path("/sys/fs/cgroup/unified"),
        {
            "cpu": Path("/sys/fs/cgroup/cpu,cpuacct"),
            "memory": Path("/sys/fs/cgroup/memory"),
            "pids": Path("/sys/fs/cgroup/pids"),
        },
    )


def test_unified_hosts_have_one_tree() -> None:
    assert find_hierarchies(UNIFIED) == Hierarchies(Path("/sys/fs/cgroup"), {})
