import pytest

from engine.volumemounts import MountCall, mount_call

NOSUID_NODEV = 0x6
BIND = 0x1000


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, None),
        ({"type": "none", "o": "bind", "device": "/srv/data"}, MountCall("/srv/data", "none", BIND | NOSUID_NODEV, "")),
        ({"o": "bind,ro", "device": "/srv"}, MountCall("/srv", "none", BIND | NOSUID_NODEV | 1, "")),
        (
            {"type": "tmpfs", "device": "tmpfs", "o": "size=100m,uid=1000,noexec"},
            MountCall("tmpfs", "tmpfs", NOSUID_NODEV | 8, "size=100m,uid=1000"),
        ),
        ({"type": "tmpfs"}, MountCall("tmpfs", "tmpfs", NOSUID_NODEV, "")),
        (
            {"type": "nfs", "o": "addr=10.0.0.1,rw,nolock,soft", "device": ":/export"},
            MountCall(":/export", "nfs", NOSUID_NODEV, "addr=10.0.0.1,nolock,soft"),
        ),
    ],
)
def test_options_become_the_arguments_of_mount(options: dict[str, str], expected: MountCall | None) -> None:
    assert mount_call(options) == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": "1g"}, "unknown option 'size'"),
        ({"o": "bind", "device": "data"}, "no absolute path"),
        ({"device": "/dev/sdb1"}, "has no type"),
    ],
)
def test_what_cannot_be_mounted_is_told(options: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mount_call(options)
