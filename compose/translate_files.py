"""A service's files become those of a container: what is mounted where."""

import posixpath
from collections.abc import Mapping
from typing import Literal, assert_never

from compose import naming
from compose.model import Content, Grant, Mount, Stack
from compose.replica import Replica
from engine.images.model import ImageConfig
from engine.spec import BindMount, FileMount, TmpfsMount, VolumeMount
from engine.spec import Mount as ContainerMount

Digests = Mapping[tuple[str, str], str]
"""What configs and secrets contain: digests by kind ("configs", "secrets") and key."""


def mounts(stack: Stack, replica: Replica, config: ImageConfig, digests: Digests) -> tuple[ContainerMount, ...]:
    """What a replica mounts, volumes of its image included."""
    found = [_mount(stack, replica, mount) for mount in replica.service.mounts]
    taken = {posixpath.normpath(mount.target) for mount in found}
    found.extend(
        VolumeMount(volume=_anonymous(stack, replica, target), target=target)
        for target in config.volumes
        if posixpath.normpath(target) not in taken
    )
    service = replica.service
    found.extend(_file("config", stack.configs, grant, digests) for grant in service.configs)
    found.extend(_file("secret", stack.secrets, grant, digests) for grant in service.secrets)
    return tuple(found)


def _file(
    kind: Literal["config", "secret"], contents: Mapping[str, Content], grant: Grant, digests: Digests
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


def _mount(stack: Stack, replica: Replica, mount: Mount) -> ContainerMount:
    match mount.type:
        case "bind":
            return BindMount(
                source=mount.source,
                target=mount.target,
                read_only=mount.read_only,
                create_source=mount.create_host_path,
            )
        case "volume":
            name = stack.volumes[mount.source].name if mount.source else _anonymous(stack, replica, mount.target)
            return VolumeMount(volume=name, target=mount.target, read_only=mount.read_only, no_copy=mount.no_copy)
        case "tmpfs":
            return TmpfsMount(
                target=mount.target,
                size_bytes=mount.tmpfs_size_bytes,
                mode=mount.tmpfs_mode,
                executable=mount.tmpfs_executable,
                read_only=mount.read_only,
            )
        case _:
            assert_never(mount.type)


def _anonymous(stack: Stack, replica: Replica, target: str) -> str:
    return naming.anonymous_volume_name(stack.name, replica.service.name, replica.number, target)
