"""Long forms of mounts and what others lend, as far as a container's specification."""

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs

from compose.deciding.choices import ImageChoice, ImageNeed
from compose.deciding.fingerprint import changes
from compose.deciding.options import Options
from compose.deciding.translate_files import Surroundings
from compose.deciding.wanted import wanted_stack
from compose.doing.bind_sources import missing_sources
from compose.doing.images import mount_choices, mounted_images
from compose.errors import FileError
from compose.model import Mount, Stack, VolumesFrom
from engine.images.model import Image, ImageConfig
from engine.spec import BindMount, ContainerSpec, ImageMount, VolumeMount

Read = Callable[..., Stack]
IMAGE = Image(
    id="sha256:1",
    created_ns=0,
    architecture="amd64",
    config=ImageConfig(command=("x",), volumes=("/image",)),
    layers=("sha256:a", "sha256:b"),
)
LONG = """
services:
  web:
    image: bb
    volumes:
      - {type: bind, source: /a, target: /a, bind: {propagation: rslave, recursive: writable, create_host_path: false}}
      - {type: volume, source: data, target: /b, volume: {subpath: in/side, nocopy: true, labels: {x: y}}}
      - {type: image, source: tools, target: /c, image: {subpath: bin}}
    tmpfs: "/d:uid=5,gid=6,nr_inodes=7,noatime"
volumes: {data: }
"""
LENT = """
services:
  app:
    image: bb
    volumes_from: [store, "store:ro"]
    volumes: ["/mine:/b"]
  store:
    image: bb
    volumes: ["data:/a", "/host:/b", "/tmp:/c:ro"]
    tmpfs: /d
  reader:
    image: bb
    volumes_from: ["container:proj-store-1:ro"]
volumes: {data: }
"""


def _specs(stack: Stack) -> dict[str, ContainerSpec]:
    choices = {name: ImageChoice(name="bb", image=IMAGE) for name in stack.services}
    images = mounted_images(stack, stack.services.values(), choices, lambda _name: IMAGE)
    around = Surroundings(images=images)
    wanted = wanted_stack(stack, choices, Options(), new_id=lambda: "0" * 64, around=around)
    return {service.name: service.specs[0] for service in wanted.services}


def test_long_forms_keep_every_detail(read: Read) -> None:
    assert read(LONG).services["web"].mounts == (
        Mount(
            type="bind", source="/a", target="/a", propagation="rslave", recursive="writable", create_host_path=False
        ),
        Mount(type="volume", source="data", target="/b", no_copy=True, subpath="in/side", labels={"x": "y"}),
        Mount(type="image", source="tools", target="/c", subpath="bin", read_only=True),
        Mount(type="tmpfs", target="/d", tmpfs_uid=5, tmpfs_gid=6, tmpfs_inodes=7),
    )


def test_a_mounted_image_comes_with_its_layers(read: Read) -> None:
    assert _specs(read(LONG))["web"].mounts[2] == ImageMount(
        image_id="sha256:1", layers=("sha256:a", "sha256:b"), target="/c", subpath="bin"
    )


def test_a_mounted_image_must_be_here_or_be_made_for_a_service(read: Read) -> None:
    stack = read(LONG)
    with pytest.raises(FileError, match="mounts the image tools, which is not here"):
        mounted_images(stack, stack.services.values(), {}, lambda _name: None)
    to_come = {"tool": ImageChoice(name="tools", need=ImageNeed(cause="not built yet", builder="tool"))}
    assert list(mounted_images(stack, stack.services.values(), to_come, lambda _name: None)) == ["tools"]


def test_a_mounted_image_that_is_not_here_is_pulled_or_built(read: Read) -> None:
    stack = read(LONG)
    need = ImageNeed(cause="mounted by web", pull=True)
    choices = mount_choices(stack, stack.services.values(), {}, lambda _name: None)
    assert choices == (ImageChoice(name="tools", need=need),)
    assert mount_choices(stack, stack.services.values(), {}, lambda _name: IMAGE) == ()
    to_come = {"tool": ImageChoice(name="tools", need=ImageNeed(cause="not built yet", builder="tool"))}
    assert mount_choices(stack, stack.services.values(), to_come, lambda _name: None) == ()
    built = read(LONG.replace("services:", "services:\n  maker:\n    build: .\n    image: tools"))
    web = [built.services["web"]]
    need = ImageNeed(cause="mounted by web", builder="maker")
    assert mount_choices(built, web, {}, lambda _name: None) == (ImageChoice(name="tools", need=need),)
    never = [structs.replace(service, pull_policy="never") for service in stack.services.values()]
    assert mount_choices(stack, never, {}, lambda _name: None) == ()


def test_a_service_lends_its_volumes_and_bind_mounts_and_those_of_its_image(read: Read) -> None:
    specs = _specs(read(LENT))
    anonymous = next(mount.volume for mount in specs["store"].mounts if mount.target == "/image")  # type: ignore[union-attr]
    assert specs["app"].mounts == (
        BindMount(source="/mine", target="/b", create_source=True),
        VolumeMount(volume="proj_data", target="/a"),
        BindMount(source="/tmp", target="/c", read_only=True, create_source=True),
        VolumeMount(volume=anonymous, target="/image"),
    )
    assert [(mount.target, mount.read_only) for mount in specs["reader"].mounts] == [  # type: ignore[union-attr]
        ("/a", True),
        ("/b", True),
        ("/c", True),
        ("/image", True),
    ]


def test_whoever_lends_comes_first(read: Read) -> None:
    stack = read(LENT)
    assert [dependency.service for dependency in stack.services["app"].depends_on] == ["store"]
    assert stack.services["app"].volumes_from == (
        VolumesFrom(service="store"),
        VolumesFrom(service="store", read_only=True),
    )


def test_strange_lenders_are_refused(problems: Callable[..., str], read: Read) -> None:
    said = problems("services: {a: {image: b, volumes_from: ['b:rx']}, b: {image: b}}\n")
    assert "services.a.volumes_from[0] cannot be 'b:rx'" in said
    with pytest.raises(FileError, match="takes the volumes of 'gone'"):
        _specs(read("services: {a: {image: b, volumes_from: ['container:gone']}}\n"))


def test_wrong_details_are_refused(problems: Callable[..., str]) -> None:
    text = LONG.replace("rslave", "slavish").replace("in/side", "../out").replace("uid=5", "uid=me")
    said = problems(text).splitlines()[::2]
    assert [line.split(": ", 1)[1].removesuffix("]").rpartition(" [")[0] or line for line in said]
    assert "propagation cannot be 'slavish'" in said[0]
    assert "the subpath '../out' leads out" in said[1]
    assert "has the uid 'me', which is no number" in said[2]


def test_a_missing_source_that_is_called_like_a_file_is_refused(read: Read, tmp_path: Path) -> None:
    (tmp_path / "there.conf").touch()
    text = """
services:
  web:
    image: bb
    volumes:
      - ./site.conf:/etc/site.conf
      - ./there.conf:/etc/there.conf
      - ./conf.d:/etc/conf.d
      - ./data.json:/data
      - {type: bind, source: ./strict, target: /strict, bind: {create_host_path: false}}
"""
    stack = read(text)
    found = missing_sources(stack, stack.services.values())
    assert [(problem.place.line, problem.message) for problem in found] == [
        (6, f"services.web mounts {tmp_path}/site.conf, which does not exist and is called like a file"),
        (10, f"services.web mounts {tmp_path}/strict, which does not exist"),
    ]


def test_what_differs_between_two_mounts_is_told(read: Read) -> None:
    other = LONG.replace("rslave", "rshared").replace("subpath: bin", "subpath: lib").replace("uid=5", "mode=700")
    said = changes(_specs(read(LONG))["web"], _specs(read(other))["web"])
    gone = "-/a:/a:propagation=rslave -sha256:1:/c:subpath=bin -tmpfs:/d:uid=5,gid=6,inodes=7"
    come = "+/a:/a:propagation=rshared +sha256:1:/c:subpath=lib +tmpfs:/d:mode=700,gid=6,inodes=7"
    assert said == (f"volumes changed: {gone} {come}",)
