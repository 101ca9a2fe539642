"""What a stack should be: its selected services, each with the specifications of its replicas."""

from collections.abc import Callable, Iterable, Mapping
from graphlib import TopologicalSorter

import msgspec

from compose import codes, naming
from compose.deciding.fingerprint import definition_hash
from compose.deciding.one_off import OneOff, one_off_spec
from compose.deciding.replica import Replica
from compose.deciding.translate import container_spec
from compose.deciding.translate_files import Surroundings
from compose.deciding.translate_networks import network_spec
from compose.errors import FileError, Problem, UsageError
from compose.model import Dependency, Service, Stack, UpdatePolicy
from engine.images.model import Image, ImageConfig
from engine.spec import ContainerSpec, VolumeMount
from engine.version import VERSION
from net.spec import NetworkSpec

UNKNOWN_IMAGE = Image(id="", created_ns=0, architecture="", config=ImageConfig(command=("not known yet",)), layers=())
"""Stands for an image that is still to be made."""


class ImageNeed(msgspec.Struct, frozen=True, kw_only=True):
    """An image that must be made before its service's containers; `cause` says why.

    `builder` is the service whose Dockerfile makes it, `pull` says that its registry has it; else it is made otherwise.
    """

    cause: str
    builder: str = ""
    pull: bool = False


class ImageChoice(msgspec.Struct, frozen=True, kw_only=True):
    """A service's image: its name, the image where there is one, and what has to be done for it first."""

    name: str
    image: Image | None = None
    need: ImageNeed | None = None


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


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks for. `services` empty means all; `scale` overrides the file's replicas.

    `pull` overrides every service's pull policy. With `all_resources`, networks and volumes are made that nobody uses.
    With `no_start`, containers are made but not started; with `rerun_jobs`, those that have finished their work are
    started, too; with `adopt`, those of another directory's project are taken over. `force_recreate` concerns
    the named services alone, unless `recreate_dependencies`; with `no_recreate`, what exists stays, changed or not.
    The `recreate_volumes` are made anew, by name, if no container keeps them.
    """

    services: tuple[str, ...] = ()
    scale: dict[str, int] = {}
    no_dependencies: bool = False
    force_recreate: bool = False
    recreate_dependencies: bool = False
    no_recreate: bool = False
    no_start: bool = False
    no_build: bool = False
    rerun_jobs: bool = False
    adopt: bool = False
    renew_anonymous_volumes: bool = False
    recreate_volumes: tuple[str, ...] = ()
    pull: str = ""
    all_resources: bool = False
    one_off: OneOff | None = None
    remove_orphans: bool = False
    ignore_orphans: bool = False
    wait: bool = False
    grace_seconds: float | None = None


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


def selected_services(stack: Stack, options: Options) -> tuple[Service, ...]:
    """The services that the command line names (all if none), with their dependencies, each after its own."""
    for name in (*options.services, *options.scale):
        require_service(stack, name)
    chosen: dict[str, Service] = {}
    pending = list(options.services or stack.services)
    while pending:
        service = stack.services.get(pending.pop())
        if service is None or service.name in chosen:
            continue
        chosen[service.name] = service
        if not options.no_dependencies:
            pending.extend(dependency.service for dependency in service.depends_on)
    ordered = {name: chosen[name] for name in stack.services if name in chosen}
    sorter = TopologicalSorter(
        {
            name: [dependency.service for dependency in service.depends_on if dependency.service in ordered]
            for name, service in ordered.items()
        }
    )
    return tuple(ordered[name] for name in sorter.static_order())


def require_service(stack: Stack, name: str) -> None:
    """Raises UsageError for a service that the file does not have."""
    if name not in stack.services:
        from compose.spelling import did_you_mean  # noqa: PLC0415 - only a mistake needs it

        known = ", ".join(stack.services) or "none"
        hint = did_you_mean(name, stack.services) or f"the services of stack {stack.name} are: {known}"
        raise UsageError(f"no such service: {name}", hint=hint)


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
