"""What a stack should be: its selected services, each with the specifications of its replicas."""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from compose import codes, naming
from compose.deciding.choices import UNKNOWN_IMAGE, ImageChoice
from compose.deciding.fingerprint import definition_hash
from compose.deciding.one_off import one_off_spec
from compose.deciding.options import Options
from compose.deciding.replica import Replica
from compose.deciding.selection import selected_services
from compose.deciding.translate import container_spec
from compose.deciding.translate_files import Surroundings
from compose.deciding.translate_networks import network_spec
from compose.errors import FileError, Problem
from compose.model import Dependency, Service, Stack, UpdatePolicy
from engine.spec import ContainerSpec, VolumeMount
from engine.version import VERSION
from net.spec import NetworkSpec


class WantedService(msgspec.Struct, frozen=True, kw_only=True):
    """A service as it should be. Only `specs` of an `image` that is there are complete.

    `dependencies` lead to other wanted services only; `recreate` asks for new containers in any case; `update` says
    how its replicas are replaced (None: all at once).
    """

    name: str
    image: ImageChoice
    specs: tuple[ContainerSpec, ...]
    dependencies: tuple[Dependency, ...] = ()
    recreate: bool = False
    update: UpdatePolicy | None = None
    one_off: bool = False


class WantedVolume(msgspec.Struct, frozen=True, kw_only=True):
    """A volume that the containers use; an `external` one must be there."""

    name: str
    external: bool = False
    labels: dict[str, str] = {}
    options: dict[str, str] = {}
    cause: str = "new volume"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A stack as it should be: services in the order of their dependencies.

    `known_services` are all that the file speaks of, selected or not: containers of others are orphans. `mounted` are
    images that services mount and that have to be made for that.
    """

    stack: str
    directory: str
    services: tuple[WantedService, ...]
    networks: tuple[NetworkSpec, ...]
    volumes: tuple[WantedVolume, ...]
    known_services: tuple[str, ...]
    options: Options
    mounted: tuple[ImageChoice, ...] = ()


def wanted_stack(
    stack: Stack,
    images: Mapping[str, ImageChoice],
    options: Options,
    *,
    new_id: Callable[[], str],
    around: Surroundings | None = None,
    mounted: tuple[ImageChoice, ...] = (),
) -> Wanted:
    """The stack that file and command line ask for; raises FileError with all that cannot be.

    `around` is what mounts depend on besides: contents and images. `mounted` are images to be made for mounts alone.
    """
    services = selected_services(stack, options)
    problems: list[Problem] = []
    wanted: list[WantedService] = []
    around = around or Surroundings()
    specs = dict(around.specs)
    around = around._replace(specs=specs)
    for service in services:
        try:
            made = _wanted_service(stack, service, images[service.name], services, options, new_id, around)
            wanted.append(made)
            specs.update({spec.name: spec for spec in made.specs})
            if made.specs:
                specs[service.name] = made.specs[0]
        except FileError as error:
            problems.extend(error.problems)
    if problems:
        raise FileError(tuple(problems))
    network_keys = dict.fromkeys(wish.network for service in services for wish in service.networks)
    if options.all_resources:
        network_keys |= dict.fromkeys(stack.networks)
    return Wanted(
        stack=stack.name,
        directory=stack.directory,
        services=tuple(wanted),
        networks=tuple(network_spec(stack, key) for key in network_keys),
        volumes=_volumes(stack, wanted, unused=options.all_resources),
        known_services=(*stack.services, *stack.disabled),
        options=options,
        mounted=mounted,
    )


def _wanted_service(
    stack: Stack,
    service: Service,
    choice: ImageChoice,
    services: Iterable[Service],
    options: Options,
    new_id: Callable[[], str],
    around: Surroundings,
) -> WantedService:
    one_off = options.one_off if options.one_off and options.one_off.service == service.name else None
    total = 1 if one_off else options.scale.get(service.name, service.replicas)
    if total > 1 and service.container_name:
        raise FileError(
            (
                Problem(
                    stack.place("services", service.name, "container_name"),
                    f"services.{service.name} has a container_name, but {total} replicas",
                    "remove 'container_name', or run one replica",
                    codes.ONE_FOR_MANY,
                ),
            )
        )
    image = choice.image or UNKNOWN_IMAGE
    names = {other.name for other in services}
    specs = tuple(
        container_spec(stack, Replica(service, number, total), image, choice.name, container_id=new_id(), around=around)
        for number in range(1, total + 1)
    )
    if one_off:
        specs = tuple(one_off_spec(stack, spec, one_off, new_id) for spec in specs)
    return WantedService(
        name=service.name,
        image=choice,
        specs=specs,
        one_off=one_off is not None,
        dependencies=tuple(dependency for dependency in service.depends_on if dependency.service in names),
        recreate=_is_recreated(service, options),
        update=service.update,
    )


def _is_recreated(service: Service, options: Options) -> bool:
    """Whether the command line wants new containers, changed or not."""
    named = not options.services or service.name in options.services
    return options.force_recreate if named else options.recreate_dependencies


def _volumes(stack: Stack, services: Iterable[WantedService], *, unused: bool) -> tuple[WantedVolume, ...]:
    keys_by_name = {volume.name: key for key, volume in stack.volumes.items()}
    volumes: dict[str, WantedVolume] = {}
    for service in services:
        for spec in service.specs:
            for mount in spec.mounts:
                if isinstance(mount, VolumeMount) and mount.volume not in volumes:
                    key = keys_by_name.get(mount.volume)
                    volumes[mount.volume] = (
                        _anonymous_volume(stack, spec, mount) if key is None else named_volume(stack, key)
                    )
    for key, volume in stack.volumes.items() if unused else ():
        volumes.setdefault(volume.name, named_volume(stack, key))
    return tuple(volumes.values())


def named_volume(stack: Stack, key: str) -> WantedVolume:
    """The volume that `stack.volumes[key]` describes."""
    volume = stack.volumes[key]
    ours = {
        naming.PROJECT: stack.name,
        naming.VOLUME: key,
        naming.CONFIG_HASH: definition_hash(volume),
        naming.VERSION: VERSION,
    }
    labels = {**volume.labels, **ours}
    return WantedVolume(name=volume.name, external=volume.external, labels=labels, options=volume.driver_opts)


def _anonymous_volume(stack: Stack, spec: ContainerSpec, mount: VolumeMount) -> WantedVolume:
    labels = {**mount.labels, naming.PROJECT: stack.name, naming.SERVICE: spec.service, naming.ANONYMOUS_VOLUME: ""}
    return WantedVolume(name=mount.volume, labels=labels, cause=f"{mount.target} of {spec.name}")
