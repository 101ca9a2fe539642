"""What containers use, read from the kernel's files."""

from pathlib import Path

from engine.cgroups import Cgroup
from engine.usage import Usage, disk_traffic, network_traffic, read_usage, value_of

NET = """Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0
  eth0:    1500      10    0    0    0     0          0         0     2500      11    0    0    0     0       0          0
  eth1:       5       1    0    0    0     0          0         0        6       1    0    0    0     0       0          0
"""  # noqa: E501


def test_networks_are_added_up_without_the_loopback() -> None:
    assert network_traffic(NET) == (1505, 2506)
    assert network_traffic("") == (0, 0)


def test_disks_are_added_up_in_both_versions() -> None:
    assert disk_traffic("8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0\n8:16 rbytes=1 wbytes=2 rios=1\n") == (11, 22)
    assert disk_traffic("8:0 Read 10\n8:0 Write 20\n8:0 Sync 5\n8:0 Total 30\nTotal 30\n") == (10, 20)


def test_a_value_is_found_by_its_key() -> None:
    assert value_of("usage_usec 12\nuser_usec 5\n", "usage_usec") == 12
    assert value_of("rchar: 1\nread_bytes: 7\n", "read_bytes") == 7
    assert value_of("", "usage_usec") == 0


def test_a_container_on_v2(tmp_path: Path) -> None:
    files = {
        "cgroup.procs": "",
        "cpu.stat": "usage_usec 1500\n",
        "memory.current": "5000\n",
        "memory.stat": "anon 1\ninactive_file 1000\n",
        "memory.max": "65536\n",
        "io.stat": "8:0 rbytes=3 wbytes=4\n",
        "pids.current": "2\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    cgroup = Cgroup(str(tmp_path), dict.fromkeys(("memory", "cpu", "pids", "io"), str(tmp_path)))

    assert read_usage(cgroup, pid=0, own_network=False) == Usage(
        processor_ns=1_500_000,
        memory_bytes=4000,
        memory_limit_bytes=65536,
        read_bytes=3,
        written_bytes=4,
        processes=2,
    )


def test_a_container_on_v1(tmp_path: Path) -> None:
    files = {
        "cgroup.procs": "",
        "cpuacct.usage": "77\n",
        "memory.usage_in_bytes": "5000\n",
        "memory.stat": "inactive_file 1\ntotal_inactive_file 1000\n",
        "memory.limit_in_bytes": "65536\n",
        "blkio.throttle.io_service_bytes": "8:0 Read 3\n8:0 Write 4\n",
        "pids.current": "2\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    cgroup = Cgroup(None, dict.fromkeys(("memory", "cpu", "pids", "blkio"), str(tmp_path)))

    assert read_usage(cgroup, pid=0, own_network=False) == Usage(
        processor_ns=77, memory_bytes=4000, memory_limit_bytes=65536, read_bytes=3, written_bytes=4, processes=2
    )


def test_what_has_gone_meanwhile_counts_as_nothing(tmp_path: Path) -> None:
    usage = read_usage(Cgroup(str(tmp_path / "gone"), {}), pid=0, own_network=True)

    assert usage._replace(memory_limit_bytes=0) == Usage()
