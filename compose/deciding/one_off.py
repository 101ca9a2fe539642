"""What sets a container for `run` apart from the replicas of its service."""

from collections.abc import Callable

from msgspec import structs

from compose import naming
from compose.deciding.options import OneOff
from compose.model import Stack
from engine.spec import ContainerSpec, RestartPolicy, VolumeMount
from engine.spec import Mount as ContainerMount
from net.spec import Endpoint


def one_off_spec(stack: Stack, spec: ContainerSpec, one_off: OneOff, new_name: Callable[[], str]) -> ContainerSpec:
    """The first replica's specification becomes that of a container beside the replicas.

    It has anonymous volumes of its own, called by `new_name`, and no address that the file gives to a replica.
    """
    anonymous = {
        naming.anonymous_volume_name(stack.name, spec.service, spec.number, mount.target)
        for mount in spec.mounts
        if isinstance(mount, VolumeMount) and naming.is_anonymous_volume_name(mount.volume)
    }

    def own(mount: ContainerMount) -> ContainerMount:
        if isinstance(mount, VolumeMount) and mount.volume in anonymous:
            return structs.replace(mount, volume=new_name())
        return mount

    process = structs.replace(spec.process, stdin_open=False) if one_off.piped else spec.process
    return structs.replace(
        spec,
        name=one_off.name,
        process=process,
        mounts=tuple(own(mount) for mount in spec.mounts),
        endpoints=tuple(_endpoint(stack, spec, endpoint, one_off) for endpoint in spec.endpoints),
        ports=spec.ports if one_off.ports else (),
        restart=RestartPolicy(),
        labels={**spec.labels, naming.ONE_OFF: "True", naming.SLUG: one_off.name.rpartition("-")[2]},
        remove_at_end=one_off.remove,
    )


def _endpoint(stack: Stack, spec: ContainerSpec, endpoint: Endpoint, one_off: OneOff) -> Endpoint:
    if one_off.aliases:
        return structs.replace(endpoint, aliases=(spec.service, f"{spec.service}.{stack.name}", *endpoint.aliases))
    return structs.replace(endpoint, aliases=(), address="", address6="", mac_address="")
