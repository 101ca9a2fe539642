import pytest

from engine.errors import StartError
from engine.mounts import MountOp, NewFilesystem, mount_plan
from engine.spec import BindMount, ContainerSpec, Mount, Process, TmpfsMount, VolumeMount

EVERY_CONTAINER = """\
NewFilesystem proc /proc nosuid,nodev,noexec
NewFilesystem sysfs /sys nosuid,nodev,noexec,ro
NewFilesystem cgroup2 /sys/fs/cgroup nosuid,nodev,noexec,ro
Devices /dev
NewFilesystem devpts /dev/pts nosuid,noexec ptmxmode=0666,mode=620,gid=5,max=1024
NewFilesystem tmpfs /dev/shm nosuid,nodev,noexec mode=1777,size=67108864
NewFilesystem mqueue /dev/mqueue nosuid,nodev,noexec
OwnFile /etc/hosts
OwnFile /etc/hostname
OwnFile /etc/resolv.conf
"""


def _spec(*mounts: Mount) -> ContainerSpec:
    return ContainerSpec(
        id="0" * 64,
        name="web-1",
        stack="s",
        service="web",
        number=1,
        image_id="",
        image_name="",
        layers=(),
        process=Process(argv=("true",)),
        hostname="web",
        config_hash="",
        mounts=mounts,
    )


def _line(op: MountOp) -> str:
    words = [type(op).__name__]
    if isinstance(op, NewFilesystem):
        words.append(op.kind)
    words += [getattr(op, name) for name in ("source", "volume") if hasattr(op, name)]
    words.append(op.target)
    attributes = int(getattr(op, "attributes", 0))
    flags = [name for bit, name in ((2, "nosuid"), (4, "nodev"), (8, "noexec"), (1, "ro")) if attributes & bit]
    words.append(",".join(flags))
    words.append(",".join(f"{key}={value}" for key, value in getattr(op, "options", ())))
    words.append("fill" if getattr(op, "fill", False) else "")
    return " ".join(word for word in words if word)


def test_every_container_has_the_same_beginning() -> None:
    assert "".join(f"{_line(op)}\n" for op in mount_plan(_spec())) == EVERY_CONTAINER


def test_wanted_mounts_follow_outer_ones_first() -> None:
    plan = mount_plan(
        _spec(
            TmpfsMount(target="/srv/data/cache", size_bytes=1 << 20, mode=0o700),
            BindMount(source="/home/me/app", target="/srv/data", read_only=True),
            VolumeMount(volume="s_data", target="/var"),
            VolumeMount(volume="s_more", target="/opt/more", no_copy=True),
            TmpfsMount(target="/run", executable=True, read_only=True),
        )
    )
    assert "".join(f"{_line(op)}\n" for op in plan).removeprefix(EVERY_CONTAINER).splitlines() == [
        "VolumeData s_data /var nosuid,nodev fill",
        "NewFilesystem tmpfs /run nosuid,nodev,ro mode=1777",
        "HostPath /home/me/app /srv/data nosuid,nodev,ro",
        "VolumeData s_more /opt/more nosuid,nodev",
        "NewFilesystem tmpfs /srv/data/cache nosuid,nodev,noexec mode=700,size=1048576",
    ]


def test_an_init_is_the_hosts_program() -> None:
    assert _line(mount_plan(_spec(), init_program="/usr/bin/tini-static")[-1]) == (
        "HostProgram /usr/bin/tini-static /dev/init"
    )


@pytest.mark.parametrize("target", ["/", "//", "/.", "/proc", "/proc/sys/net", "/a/../proc"])
def test_the_root_and_proc_are_not_for_others(target: str) -> None:
    with pytest.raises(StartError, match=f"nothing can be mounted on {target} of a container"):
        mount_plan(_spec(TmpfsMount(target=target)))
