"""What a container's mounts mean."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from engine import fill, syscalls
from engine.layout import Layout
from engine.spec import BindMount, ImageMount, TmpfsMount, VolumeMount
from engine.start import VolumeSource
from engine.volumes import VolumeStore
from tests.kernel.engine.boxes import Boxes

pytestmark = pytest.mark.root


@pytest.fixture
def store(roots: Layout) -> Iterator[VolumeStore]:
    """Where named volumes are; the leak check expects them gone."""
    made = VolumeStore(roots.volumes)
    yield made
    for volume in made.list():
        made.remove(volume.record.name)
    roots.volumes.rmdir()


def _source(store: VolumeStore, name: str) -> dict[str, VolumeSource]:
    volume = store.ensure(name)
    return {name: VolumeSource(path=volume.data, fill=True)}


def _layer(tmp_path: Path, **content: str) -> Path:
    layer = tmp_path / "layer"
    for name, text in content.items():
        place = layer / name.replace("__", "/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return layer


def test_a_bind_mount_is_the_hosts_own_with_the_hosts_ids(boxes: Boxes, host: Path) -> None:
    said = boxes.sh(
        "cat /data/file; stat -c %u /data/file; echo new >/data/new; chown 1000:1000 /data/new",
        mounts=(BindMount(source=str(host), target="/data"),),
    )
    assert said.output == "from the host\n0\n"
    assert ((host / "new").read_text(), (host / "new").stat().st_uid) == ("new\n", 1000)


def test_a_single_file_is_mounted_over_the_images(boxes: Boxes, host: Path) -> None:
    said = boxes.sh(
        "cat /etc/passwd; echo x >>/etc/passwd",
        mounts=(BindMount(source=str(host / "file"), target="/etc/passwd", read_only=True),),
    )
    assert said.output.startswith("from the host\n")
    assert "Read-only file system" in said.output


def test_a_bind_mount_lends_no_setuid_and_no_devices(boxes: Boxes, host: Path) -> None:
    os.mknod(host / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    said = boxes.sh(
        "cat /data/null; grep ' /data ' /proc/mounts", mounts=(BindMount(source=str(host), target="/data"),)
    ).output
    assert "Permission denied" in said
    assert "nosuid,nodev" in said


def test_a_missing_source_is_named_or_made(boxes: Boxes, tmp_path: Path) -> None:
    missing = tmp_path / "a" / "b"
    failure = boxes.failure("true", mounts=(BindMount(source=str(missing), target="/data"),))
    assert failure.message == f"cannot mount {missing} on /data: No such file or directory"
    boxes.run("true", mounts=(BindMount(source=str(missing), target="/data", create_source=True),))
    assert missing.is_dir()


def test_a_source_that_is_made_belongs_to_whom_the_directory_around_it_belongs(boxes: Boxes, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    os.chown(project, 1234, 2345)
    missing = project / "data" / "db"
    boxes.run("true", mounts=(BindMount(source=str(missing), target="/data", create_source=True),))
    assert {(path.stat().st_uid, path.stat().st_gid) for path in (missing, missing.parent)} == {(1234, 2345)}


def test_a_file_never_covers_a_directory(boxes: Boxes, host: Path) -> None:
    failure = boxes.failure("true", mounts=(BindMount(source=str(host / "file"), target="/etc"),))
    assert failure.message == "cannot mount a file on /etc: the image has a directory there"
    failure = boxes.failure("true", mounts=(BindMount(source=str(host), target="/etc/passwd"),))
    assert failure.message == "cannot mount a directory on /etc/passwd: the image has a file there"


def test_kernel_file_systems_can_be_watched_but_not_written(boxes: Boxes) -> None:
    said = boxes.sh("cat /host/uptime >/dev/null && echo seen", mounts=(_proc(read_only=True),)).output
    assert said == "seen\n"
    failure = boxes.failure("true", mounts=(_proc(read_only=False),))
    assert failure.message.startswith("cannot mount /proc with the container's user ids")


def _proc(*, read_only: bool) -> BindMount:
    return BindMount(source="/proc", target="/host", read_only=read_only)


def test_mounts_below_mounts_come_after_them(boxes: Boxes, host: Path) -> None:
    (host / "inner").mkdir()
    said = boxes.sh(
        "ls /data/inner; touch /data/inner/x; ls /data/inner",
        mounts=(TmpfsMount(target="/data/inner"), BindMount(source=str(host), target="/data")),
    )
    assert said.output == "x\n"
    assert list((host / "inner").iterdir()) == []


def test_a_tmpfs_is_empty_bounded_and_not_executable(boxes: Boxes) -> None:
    said = boxes.sh(
        "stat -c '%a %u' /tmp /work; cp /bin/busybox /tmp/echo; /tmp/echo ran; "
        "dd if=/dev/zero of=/work/big bs=2M count=1 2>&1 | grep dd; "
        "cp /bin/busybox /run/echo; /run/echo ran",
        mounts=(
            TmpfsMount(target="/tmp"),
            TmpfsMount(target="/work", size_bytes=1 << 20, mode=0o700),
            TmpfsMount(target="/run", executable=True),
        ),
    ).output.splitlines()
    assert said[:2] == ["1777 0", "700 0"]
    assert "Permission denied" in said[2]
    assert "No space left" in said[3]
    assert said[4] == "ran"


def test_shared_memory_has_its_bound(boxes: Boxes) -> None:
    assert "67108864" in boxes.sh("stat -f -c '%b %S' /dev/shm | awk '{print $1 * $2}'").output


def test_a_read_only_root_leaves_mounts_writable(boxes: Boxes, store: VolumeStore) -> None:
    said = boxes.sh(
        "touch /x; touch /vol/y && touch /tmp/z && echo fine",
        read_only=True,
        mounts=(VolumeMount(volume="v", target="/vol"), TmpfsMount(target="/tmp")),
        volumes=_source(store, "v"),
    ).output
    assert "Read-only file system" in said
    assert said.endswith("fine\n")


def test_a_volume_outlives_containers_with_the_ids_that_they_see(boxes: Boxes, store: VolumeStore) -> None:
    mounts = (VolumeMount(volume="v", target="/vol"),)
    boxes.sh("echo kept >/vol/f; chown 1000:60 /vol/f", mounts=mounts, volumes=_source(store, "v"))
    assert boxes.sh("cat /vol/f; stat -c '%u %g' /vol/f", mounts=mounts, volumes=_source(store, "v")).output == (
        "kept\n1000 60\n"
    )
    on_disk = (store.ensure("v").data / "f").stat()
    assert (on_disk.st_uid, on_disk.st_gid) == (1000, 60)


def test_a_new_volume_is_filled_from_the_image_once(boxes: Boxes, store: VolumeStore, tmp_path: Path) -> None:
    layer = _layer(tmp_path, srv__sub__a="one\n", srv__b="two\n")
    os.chown(layer / "srv" / "sub" / "a", 1000, 1001)
    os.chown(layer / "srv", 1000, 1001)
    (layer / "srv" / "b").chmod(0o4750)
    (layer / "srv" / "link").symlink_to("/etc/shadow")
    os.link(layer / "srv" / "b", layer / "srv" / "same")
    os.setxattr(layer / "srv" / "b", "user.note", b"kept")
    given = {"mounts": (VolumeMount(volume="v", target="/srv"),), "layers": (boxes.layer, layer)}
    look = "cd /srv; stat -c '%n %u %g %a %h' . b sub/a; readlink link; cat sub/a; rm b; echo mine >c"
    assert boxes.sh(look, volumes=_source(store, "v"), **given).output.split("\n") == [
        *(". 1000 1001 755 3", "b 0 0 4750 2", "sub/a 1000 1001 644 1", "/etc/shadow", "one", ""),
    ]
    volume = store.ensure("v")
    assert volume.filled
    assert os.getxattr(volume.data / "same", "user.note") == b"kept"
    assert boxes.sh("ls /srv", volumes=_source(store, "v"), **given).output.split() == ["c", "link", "same", "sub"]


def test_a_volume_takes_its_owner_from_an_empty_directory(boxes: Boxes, store: VolumeStore, tmp_path: Path) -> None:
    layer = tmp_path / "layer"
    (layer / "data").mkdir(parents=True)
    os.chown(layer / "data", 999, 999)
    given = {"mounts": (VolumeMount(volume="v", target="/data"),), "layers": (boxes.layer, layer)}
    assert boxes.sh("touch /data/x && stat -c %u /data", user="999", volumes=_source(store, "v"), **given).output == (
        "999\n"
    )


def test_a_volume_stays_empty_when_told(boxes: Boxes, store: VolumeStore, tmp_path: Path) -> None:
    layer = _layer(tmp_path, srv__a="one\n")
    mounts = (VolumeMount(volume="v", target="/srv", no_copy=True),)
    said = boxes.sh("ls /srv", mounts=mounts, volumes=_source(store, "v"), layers=(boxes.layer, layer))
    assert said.output == ""


def test_a_read_only_volume_is_filled_and_then_read_only(boxes: Boxes, store: VolumeStore, tmp_path: Path) -> None:
    layer = _layer(tmp_path, srv__a="one\n")
    mounts = (VolumeMount(volume="v", target="/srv", read_only=True),)
    said = boxes.sh("cat /srv/a; touch /srv/b", mounts=mounts, volumes=_source(store, "v"), layers=(boxes.layer, layer))
    assert said.output.startswith("one\n")
    assert "Read-only file system" in said.output


def test_an_interrupted_filling_is_done_again(store: VolumeStore, tmp_path: Path) -> None:
    image = tmp_path / "image"
    (image / "sub").mkdir(parents=True)
    (image / "sub" / "a").write_text("whole")
    volume = store.ensure("v")
    (volume.data / "sub").mkdir()
    (volume.data / "sub" / "a").write_text("ha")
    marker = os.open(volume.directory / "filled", os.O_RDWR)
    os.write(marker, b"0")  # as an interrupted filling leaves it
    assert not store.ensure("v").filled
    image_fd, data_fd = os.open(image, os.O_PATH), os.open(volume.data, os.O_PATH)
    fill.fill_volume(image_fd, data_fd, marker)
    assert (volume.data / "sub" / "a").read_text() == "whole"
    assert store.ensure("v").filled
    (volume.data / "sub" / "a").write_text("changed")
    fill.fill_volume(image_fd, data_fd, marker)
    assert (volume.data / "sub" / "a").read_text() == "changed"
    for fd in (marker, image_fd, data_fd):
        os.close(fd)


def test_a_part_of_a_volume_is_all_that_is_seen_and_links_stay_inside(boxes: Boxes, store: VolumeStore) -> None:
    data = _source(store, "data")
    inside = data["data"].path / "in" / "side"
    inside.mkdir(parents=True)
    (inside / "file").write_text("deep\n")
    (data["data"].path / "out").symlink_to("/etc")
    said = boxes.sh(
        "cat /data/file; ls /data; echo more >/data/more",
        mounts=(VolumeMount(volume="data", target="/data", subpath="in/side"),),
        volumes=data,
    )
    assert said.output == "deep\nfile\n"
    assert (inside / "more").read_text() == "more\n"
    failure = boxes.failure(
        "true", mounts=(VolumeMount(volume="data", target="/data", subpath="out/passwd"),), volumes=data
    )
    assert "the volume data has no out/passwd" in failure.message


def test_a_tmpfs_has_the_owner_and_the_limits_that_it_was_asked_for(boxes: Boxes) -> None:
    said = boxes.sh(
        "stat -c '%u:%g %a' /t; for i in 1 2 3 4 5 6 7 8; do touch /t/$i || break; done; ls /t",
        mounts=(TmpfsMount(target="/t", uid=5, gid=6, mode=0o750, inodes=5),),
        cap_add=("DAC_OVERRIDE",),
    )
    assert said.output.startswith("5:6 750\n")
    assert "No space left on device" in said.output


def _with_a_mount_below(host: Path) -> None:
    (host / "below").mkdir()
    syscalls.mount("windlass-test", host / "below", "tmpfs", syscalls.MountFlag(0), "size=64k")
    (host / "below" / "seen").touch()


@pytest.mark.parametrize(
    ("recursive", "expected"),
    [("enabled", "seen top:no below:no"), ("writable", "seen top:no below:yes"), ("disabled", "top:no below:no")],
)
def test_what_is_mounted_below_a_source_comes_along_as_it_was_asked_for(
    boxes: Boxes, host: Path, recursive: Literal["enabled", "writable", "disabled"], expected: str
) -> None:
    _with_a_mount_below(host)
    try:
        said = boxes.sh(
            "ls /m/below; for p in '' below/; do touch /m/${p}new 2>/dev/null && echo ${p}yes || echo ${p}no; done",
            mounts=(BindMount(source=str(host), target="/m", read_only=True, recursive=recursive),),
        ).output.split()
    finally:
        syscalls.umount2(host / "below", syscalls.MNT_DETACH)
    words = [word for word in said if word == "seen"]
    answers = {"top": "yes" if "yes" in said else "no", "below": "yes" if "below/yes" in said else "no"}
    assert " ".join((*words, *(f"{place}:{answer}" for place, answer in answers.items()))) == expected


def test_a_slave_sees_what_the_host_mounts_later_and_a_private_mount_does_not(boxes: Boxes, host: Path) -> None:
    syscalls.mount(str(host), host, "", syscalls.MountFlag(0x1000))  # MS_BIND: a mount of its own
    try:
        syscalls.mount("", host, "", syscalls.MountFlag(0x100000))  # MS_SHARED
        (host / "later").mkdir()
        given = {"slave": "rslave", "private": ""}
        started = {
            name: boxes.start(
                "sleep",
                "1000",
                mounts=(BindMount(source=str(host), target="/m", propagation=words),),  # type: ignore[arg-type]
            )
            for name, words in given.items()
        }
        syscalls.mount("windlass-test", host / "later", "tmpfs", syscalls.MountFlag(0), "size=64k")
        try:
            said = {name: box.enter("grep", "-c", " /m/later ", "/proc/mounts").output for name, box in started.items()}
        finally:
            syscalls.umount2(host / "later", syscalls.MNT_DETACH)
    finally:
        syscalls.umount2(host, syscalls.MNT_DETACH)
    assert said == {"slave": "1\n", "private": "0\n"}


def test_a_missing_source_is_not_made_where_the_image_has_a_file(boxes: Boxes, tmp_path: Path) -> None:
    source = tmp_path / "nginx.conf"
    layer = _layer(tmp_path, etc__nginx__conf="from the image\n")
    failure = boxes.failure(
        "true",
        layers=(boxes.layer, layer),
        mounts=(BindMount(source=str(source), target="/etc/nginx/conf", create_source=True),),
    )
    assert "does not exist, and the image has a file there" in failure.message
    assert not source.exists()


def test_another_images_files_are_shown_and_cannot_be_changed(boxes: Boxes, tmp_path: Path) -> None:
    base, over = tmp_path / "base", tmp_path / "over"
    for layer, name in ((base, "one"), (over, "two")):
        (layer / "bin").mkdir(parents=True)
        (layer / "bin" / name).write_text(f"{name}\n")
    image_layers = {"sha256:b": base, "sha256:o": over}
    mounts = (
        ImageMount(image_id="i", layers=("sha256:b", "sha256:o"), target="/all"),
        ImageMount(image_id="i", layers=("sha256:b",), target="/single"),
        ImageMount(image_id="i", layers=("sha256:b", "sha256:o"), target="/part", subpath="bin"),
        ImageMount(image_id="i", layers=("sha256:b",), target="/file", subpath="bin/one"),
    )
    said = boxes.sh(
        "ls /all/bin /part; cat /single/bin/one /file; stat -c %u /all/bin/one; touch /all/x /single/x /part/x /file",
        mounts=mounts,
        image_layers=image_layers,
    ).output
    assert said.startswith("/all/bin:\none\ntwo\n\n/part:\none\ntwo\none\none\n0\n")
    assert said.count("Read-only file system") == 4
    failure = boxes.failure(
        "true",
        mounts=(ImageMount(image_id="i", layers=("sha256:b",), target="/x", subpath="no"),),
        image_layers=image_layers,
    )
    assert "the image has no no" in failure.message
