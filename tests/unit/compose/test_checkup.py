"""What `doctor` concludes."""

import msgspec.structs
import pytest

from compose.cli.doctor import findings_text
from compose.doing.checkup import Finding, Machine, examine, forward_drops, kernel_version
from compose.doing.machine import file_system_of

MOUNTS = """\
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw
40 27 0:40 / /var/lib rw shared:2 - overlay overlay rw
"""
GOOD = Machine(
    kernel="6.18.1-amd64",
    user_id=0,
    mountinfo=MOUNTS,
    filesystems="nodev\toverlay\n\text4\n",
    unified_controllers="cpu memory pids",
    max_user_namespaces="1000\n",
    libraries={"libseccomp.so.2": True, "libnftables.so.1": True},
    programs={"mmdebstrap": True, "catatonit": True, "nft": True},
    ip_forward="1\n",
    chains='{"nftables": []}',
    resolv_conf="nameserver 9.9.9.9\n",
    data_file_system="ext4",
    free_bytes=5 << 30,
)


def bad(**changes: object) -> list[tuple[str, str]]:
    machine = msgspec.structs.replace(GOOD, **changes)
    return [(finding.subject, finding.state) for finding in examine(machine) if finding.state != "ok"]


def test_a_good_machine_has_no_complaints() -> None:
    assert bad() == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"user_id": 1000}, ("root", "missing")),
        ({"kernel": "5.10.0"}, ("kernel", "missing")),
        ({"kernel": "6.1.0-18-amd64"}, ("kernel", "advice")),
        ({"max_user_namespaces": "0\n"}, ("user namespaces", "missing")),
        ({"filesystems": "ext4"}, ("overlay", "missing")),
        ({"mountinfo": "", "unified_controllers": ""}, ("control groups", "missing")),
        ({"unified_controllers": "cpu"}, ("control groups", "advice")),
        ({"libraries": {"libnftables.so.1": True}}, ("libseccomp.so.2", "missing")),
        ({"libraries": {"libseccomp.so.2": True}}, ("libnftables.so.1", "advice")),
        ({"data_file_system": "overlay"}, ("data directory", "missing")),
        ({"free_bytes": 1}, ("room", "advice")),
        ({"host_ids": ((589824, 65536, "bob in /etc/subuid"),)}, ("ids", "advice")),
        ({"ip_forward": "0\n"}, ("forwarding", "advice")),
        ({"resolv_conf": "search x\n"}, ("name servers", "advice")),
        ({"programs": {"nft": True, "catatonit": True}}, ("mmdebstrap or debootstrap", "advice")),
    ],
)
def test_what_is_missing_is_found(changes: dict[str, object], expected: tuple[str, str]) -> None:
    assert bad(**changes) == [expected]


def test_docker_s_policy_on_forwarding_is_found_and_ours_is_not() -> None:
    chains = (
        '{"nftables": [{"metainfo": {}}, {"chain": {"family": "ip", "table": "filter", "name": "FORWARD",'
        ' "hook": "forward", "policy": "drop"}}, {"chain": {"family": "inet", "table": "windlass-x", "name": "f",'
        ' "hook": "forward", "policy": "drop"}}]}'
    )
    assert forward_drops(chains) == ("ip filter FORWARD",)
    assert forward_drops("") == ()


@pytest.mark.parametrize(
    ("release", "expected"), [("6.18.44-fc-v595", (6, 18)), ("5.4", (5, 4)), ("6.1-rc3", (6, 1)), ("7", (7, 0))]
)
def test_kernel_releases_are_read(release: str, expected: tuple[int, int]) -> None:
    assert kernel_version(release) == expected


def test_the_data_root_s_file_system_is_that_of_the_nearest_mount() -> None:
    assert file_system_of("/var/lib/windlass", MOUNTS) == "overlay"
    assert file_system_of("/var/library", MOUNTS) == "ext4"


def test_only_what_is_not_right_is_explained() -> None:
    found = (
        Finding(subject="root", state="ok", found="user id 0", why="w"),
        Finding(subject="kernel", state="missing", found="4.9", why="too old", mend="a newer one"),
    )
    assert findings_text(found, color=False) == (
        "ok       root    user id 0\nmissing  kernel  4.9\n         why: too old\n         mend: a newer one\n"
    )


def test_what_a_stack_left_behind_and_routes_across_one_are_told() -> None:
    machine = msgspec.structs.replace(
        GOOD,
        leftovers=("windl0123abcd", "windlass-shop-0123abcd"),
        overlaps=("172.16.1.0/24 through tun0 crosses 172.16.0.0/22",),
    )
    told = {finding.subject: (finding.state, finding.found) for finding in examine(machine)}
    assert told["leftovers"] == ("advice", "windl0123abcd, windlass-shop-0123abcd")
    assert told["routes"] == ("advice", "172.16.1.0/24 through tun0 crosses 172.16.0.0/22")
