"""A service's files become those of a container: what is mounted where."""

import posixpath
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple, assert_never

import msgspec.structs

from compose import codes, naming
from compose.deciding.replica import Replica
from compose.errors import FileError, Problem
from compose.model import Content, Grant, Mount, Service, Stack, VolumesFrom
from engine.images.model import Image, ImageConfig
from engine.spec import BindMount, ContainerSpec, FileMount, ImageMount, TmpfsMount, VolumeMount
from engine.spec import Mount as ContainerMount


class Surroundings(NamedTuple):
    """What a container's mounts depend on, besides its service and image.

    `digests` are of what configs and secrets contain, by kind ("configs", "secrets") and key. `images` are those that
    are mounted, by name. `specs` are the stack's containers so far, by name; a service's name stands for its first.
    """

    digests: Mapping[tuple[str, str], str] = {}
    images: Mapping[str, Image] = {}
    specs: Mapping[str, ContainerSpec] = {}


def mounts(stack: Stack, replica: Replica, config: ImageConfig, around: Surroundings) -> tuple[ContainerMount, ...]:
    """What a replica mounts: its own, volumes of its image, those of other containers, configs and secrets.

    Its own mounts hide others' on the same target.
    """
    service = replica.service
    found = [_mount(stack, replica, mount, around.images) for mount in service.mounts]
    taken = {posixpath.normpath(mount.target) for mount in found}
    for source in service.volumes_from:
        for mount in _lent(stack, service, source, around.specs):
            if posixpath.normpath(mount.target) not in taken:
                taken.add(posixpath.normpath(mount.target))
                found.append(mount)
    found.extend(
        VolumeMount(volume=_anonymous(stack, replica, target), target=target)
        for target in config.volumes
        if posixpath.normpath(target) not in taken
    )
    found.extend(_file("config", stack.configs, grant, around.digests) for grant in service.configs)
    found.extend(_file("secret", stack.secrets, grant, around.digests) for grant in service.secrets)
    return tuple(found)


def _lent(
    stack: Stack, service: Service, source: VolumesFrom, specs: Mapping[str, ContainerSpec]
) -> Iterator[ContainerMount]:
    """The volumes and bind mounts of another container."""
    lender = specs.get(source.container or source.service)
    if lender is None:
        name = source.container or source.service
        raise FileError(
            (
                Problem(
                    stack.place("services", service.name, "volumes_from"),
                    f"services.{service.name} takes the volumes of '{name}', which is not among what is to be up",
                    "name a service of this file, or container: and the name of one of its containers",
                    codes.UNKNOWN_SERVICE,
                ),
            )
        )
    for mount in lender.mounts:
        if isinstance(mount, BindMount | VolumeMount):
            yield msgspec.structs.replace(mount, read_only=mount.read_only or source.read_only)


def _file(
    kind: Literal["config", "secret"],
    contents: Mapping[str, Content],
    grant: Grant,
    digests: Mapping[tuple[str, str], str],
) -> FileMount:
    return FileMount(
        target=grant.target,
        digest=digests.get((f"{kind}s", grant.source), ""),
        kind=kind,
        name=contents[grant.source].key,
        uid=grant.uid,
        gid=grant.gid,
        mode=grant.mode,
    )


def _mount(stack: Stack, replica: Replica, mount: Mount, images: Mapping[str, Image]) -> ContainerMount:
    match mount.type:
        case "bind":
            return BindMount(
                source=mount.source,
                target=mount.target,
                read_only=mount.read_only,
                create_source=mount.create_host_path,
                propagation=mount.propagation,  # type: ignore[arg-type]  # the decoder has checked it
                recursive=mount.recursive,
            )
        case "volume":
            named = stack.volumes[mount.source] if mount.source else None
            return VolumeMount(
                volume=named.name if named else _anonymous(stack, replica, mount.target),
                target=mount.target,
                read_only=mount.read_only,
                no_copy=mount.no_copy,
                subpath=mount.subpath,
                labels=mount.labels,
            )
        case "tmpfs":
            return TmpfsMount(
                target=mount.target,
                size_bytes=mount.tmpfs_size_bytes,
                mode=mount.tmpfs_mode,
                executable=mount.tmpfs_executable,
                read_only=mount.read_only,
                uid=mount.tmpfs_uid,
                gid=mount.tmpfs_gid,
                inodes=mount.tmpfs_inodes,
            )
        case "image":
            image = images[mount.source]
            return ImageMount(image_id=image.id, layers=image.layers, target=mount.target, subpath=mount.subpath)
        case _:
            assert_never(mount.type)


def _anonymous(stack: Stack, replica: Replica, target: str) -> str:
    return naming.anonymous_volume_name(stack.name, replica.service.name, replica.number, target)
