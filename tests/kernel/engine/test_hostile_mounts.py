"""What hostile images cannot do with a container's mounts."""

import os
from pathlib import Path

import pytest

from engine.spec import BindMount, TmpfsMount
from tests.kernel.engine.boxes import Boxes

pytestmark = pytest.mark.root


@pytest.mark.parametrize("place", ["proc", "sys", "dev"])
@pytest.mark.parametrize("kind", ["outside", "loop", "file", "fifo"])
def test_images_cannot_lead_kernel_mounts_astray(boxes: Boxes, tmp_path: Path, place: str, kind: str) -> None:
    hostile = tmp_path / "hostile"
    hostile.mkdir()
    if kind == "outside":
        (hostile / place).symlink_to("../../../tmp")
    elif kind == "loop":
        (hostile / place).symlink_to(place)
    elif kind == "file":
        (hostile / place).write_text("")
    else:
        os.mkfifo(hostile / place)
    failure = boxes.failure("true", layers=(boxes.layer, hostile))
    assert failure.message == f"the image's /{place} is no directory, but a link, a file or something else"


def test_links_in_an_image_stay_inside_it(boxes: Boxes, tmp_path: Path, host: Path) -> None:
    hostile = tmp_path / "hostile"
    (hostile / "etc").mkdir(parents=True)
    canary = tmp_path / "canary"
    canary.mkdir()
    (hostile / "out").symlink_to(canary)
    (hostile / "up").symlink_to("../../../../../.." + str(canary))
    (hostile / "etc" / "resolv.conf").symlink_to("../run/systemd/resolve/stub-resolv.conf")
    said = boxes.sh(
        f"cat /etc/resolv.conf; ls {canary}",
        layers=(boxes.layer, hostile),
        mounts=(
            BindMount(source=str(host), target="/out/a"),
            TmpfsMount(target="/up/b"),
        ),
    )
    assert said.output == "the engine's resolv.conf\na\nb\n"
    assert list(canary.iterdir()) == []


@pytest.mark.parametrize("target", ["/dev/shm", "/dev/pts", "/sys/fs/cgroup", "/etc/hosts", "/tmp"])
def test_other_places_may_be_links_but_lead_nowhere_else(boxes: Boxes, tmp_path: Path, target: str) -> None:
    hostile = tmp_path / "hostile"
    place = Path(f"{hostile}{target}")
    place.parent.mkdir(parents=True)
    place.symlink_to("/")
    layers = (boxes.layer, hostile)
    if target == "/etc/hosts":
        assert boxes.failure("true", layers=layers).stage == "mounts"
    else:
        assert boxes.sh("echo fine", layers=layers).output == "fine\n"


@pytest.mark.parametrize("target", ["/kernel", "/kernel/sys", "/kernel/sys/net"])
def test_no_link_of_an_image_leads_a_mount_over_proc(boxes: Boxes, host: Path, tmp_path: Path, target: str) -> None:
    hostile = tmp_path / "hostile"
    hostile.mkdir()
    (hostile / "kernel").symlink_to("/proc")
    mounts = (BindMount(source=str(host), target=target),)
    failure = boxes.failure("true", layers=(boxes.layer, hostile), mounts=mounts)
    assert failure.message == f"cannot mount on {target}: the image has a link to /proc there"


def test_a_mount_on_the_root_or_below_proc_is_refused(boxes: Boxes, host: Path) -> None:
    for target in ("/", "//", "/./", "/proc/sys", "/sys/../proc"):
        failure = boxes.failure("true", mounts=(BindMount(source=str(host), target=target),))
        assert failure.message == f"nothing can be mounted on {target} of a container"
