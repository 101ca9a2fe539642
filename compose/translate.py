"""A service's replica with its image becomes a container's complete specification."""

import posixpath
from collections.abc import Mapping
from typing import NamedTuple, assert_never

import msgspec.structs

from compose import naming
from compose.errors import FileError, Problem
from compose.fingerprint import config_hash
from compose.model import Healthcheck, Mount, Port, Service, Stack
from engine.images.model import Image, ImageConfig, ImageHealth
from engine.spec import (
    BindMount,
    ContainerSpec,
    HealthProbe,
    Limits,
    Process,
    RestartPolicy,
    TmpfsMount,
    VolumeMount,
)
from engine.spec import Mount as ContainerMount
from engine.version import VERSION
from net.spec import Endpoint, NetworkSpec, PublishedPort

DEFAULT_INTERVAL_SECONDS = 30.0
DEFAULT_TIMEOUT_SECONDS = 30.0
DEFAULT_RETRIES = 3
DEFAULT_GRACE_SECONDS = 10.0


class Replica(NamedTuple):
    """Which of a service's containers is meant; `number` counts from 1 to `total`."""

    service: Service
    number: int
    total: int


def container_spec(
    stack: Stack, replica: Replica, image: Image, image_name: str, *, container_id: str
) -> ContainerSpec:
    """The replica's specification; raises FileError where file and image together make no sense."""
    service = replica.service
    config = image.config
    name = service.container_name or naming.container_name(stack.name, service.name, replica.number)
    spec = ContainerSpec(
        id=container_id,
        name=name,
        stack=stack.name,
        service=service.name,
        number=replica.number,
        image_id=image.id,
        image_name=image_name,
        layers=image.layers,
        process=Process(
            argv=argv(stack, service, config, image_name),
            environment={**config.environment, **service.environment},
            working_directory=service.working_dir or config.working_directory or "/",
            user=service.user or config.user,
        ),
        hostname=service.hostname or container_id[:12],
        config_hash="",
        mounts=_mounts(stack, replica, config),
        endpoints=tuple(
            Endpoint(network=stack.networks[wish.network].name, aliases=wish.aliases, address=wish.ipv4_address)
            for wish in service.networks
        ),
        links=service.links,
        ports=tuple(_published(stack, replica, index, port) for index, port in enumerate(service.ports)),
        exposed_ports=_exposed(service, config),
        limits=Limits(memory_bytes=service.mem_limit_bytes, cpus=service.cpus, pids=service.pids_limit),
        health=health_probe(service.healthcheck, config),
        restart=restart_policy(service.restart),
        stop_signal=_signal(service.stop_signal or config.stop_signal),
        stop_grace_seconds=(
            DEFAULT_GRACE_SECONDS if service.stop_grace_period_seconds is None else service.stop_grace_period_seconds
        ),
        init=service.init,
        read_only=service.read_only,
        cap_add=service.cap_add,
        cap_drop=service.cap_drop,
        labels={**config.labels, **service.labels},
    )
    return _labelled(spec, stack, service)


def network_spec(stack: Stack, key: str) -> NetworkSpec:
    """The network that `stack.networks[key]` describes."""
    network = stack.networks[key]
    return NetworkSpec(
        name=network.name,
        subnet=network.subnet,
        gateway=network.gateway,
        internal=network.internal,
        labels={**network.labels, naming.PROJECT: stack.name, f"{naming.LABEL}.network": key},
    )


def argv(stack: Stack, service: Service, config: ImageConfig, image_name: str) -> tuple[str, ...]:
    """Entrypoint and command as Compose joins them: an entrypoint of the file drops the image's command.

    An entrypoint that is cleared (`[]`) with no command beside it leaves the image's command, as Docker does.
    """
    if service.entrypoint is None:
        command = config.command if service.command is None else service.command
        words = (*config.entrypoint, *command)
    elif not service.entrypoint and service.command is None:
        words = config.command
    else:
        words = (*service.entrypoint, *(service.command or ()))
    if not words:
        raise FileError(
            (
                Problem(
                    stack.place("services", service.name),
                    f"services.{service.name} has nothing to run: image {image_name} names no command",
                    "give the service a 'command', or the image a CMD or ENTRYPOINT",
                ),
            )
        )
    return words


def health_probe(check: Healthcheck | None, config: ImageConfig) -> HealthProbe | None:
    """The file's health check over the image's; None when there is none or it is switched off."""
    known = config.health or ImageHealth(argv=())
    check = check or Healthcheck()
    test = check.test or known.argv
    if check.disable or not test or test[0] == "NONE":
        return None
    command = (*config.shell, *test[1:]) if test[0] == "CMD-SHELL" else test[1:]
    return HealthProbe(
        argv=command,
        interval_seconds=_first(check.interval_seconds, known.interval_seconds, DEFAULT_INTERVAL_SECONDS),
        timeout_seconds=_first(check.timeout_seconds, known.timeout_seconds, DEFAULT_TIMEOUT_SECONDS),
        start_period_seconds=_first(check.start_period_seconds, known.start_period_seconds, 0.0),
        retries=check.retries or known.retries or DEFAULT_RETRIES,
    )


def restart_policy(text: str) -> RestartPolicy:
    """Compose's `restart` text ("on-failure:3") as a policy; the reader has checked it."""
    match text.partition(":"):
        case ("always", _, _):
            return RestartPolicy(condition="always")
        case ("unless-stopped", _, _):
            return RestartPolicy(condition="unless-stopped")
        case ("on-failure", _, limit):
            return RestartPolicy(condition="on-failure", max_retries=int(limit or 0))
        case _:
            return RestartPolicy()


def _first(wanted: float | None, image: float | None, default: float) -> float:
    if wanted is not None:
        return wanted
    return default if image is None else image


def _signal(text: str) -> str:
    """A signal's name with SIG; numbers stay as they are."""
    name = text.upper() or "SIGTERM"
    return name if name.startswith("SIG") or name.isdigit() else f"SIG{name}"


def _mounts(stack: Stack, replica: Replica, config: ImageConfig) -> tuple[ContainerMount, ...]:
    service = replica.service
    mounts = [_mount(stack, replica, mount) for mount in service.mounts]
    taken = {posixpath.normpath(mount.target) for mount in mounts}
    mounts.extend(
        VolumeMount(volume=_anonymous(stack, replica, target), target=target)
        for target in config.volumes
        if posixpath.normpath(target) not in taken
    )
    return tuple(mounts)


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


def _published(stack: Stack, replica: Replica, index: int, port: Port) -> PublishedPort:
    """Replica k publishes the k-th port of a range; a range or port that is too short for all replicas is refused."""
    first, _, last = port.published.partition("-")
    low = int(first or 0)
    size = int(last or low) - low + 1
    if low and size < replica.total:
        name = replica.service.name
        raise FileError(
            (
                Problem(
                    stack.place("services", name, "ports", index),
                    f"services.{name} publishes port {port.published}, but has {replica.total} replicas",
                    f"publish a range ('{low}-{low + replica.total - 1}:{port.target}'), "
                    f"any free port ('{port.target}'), or run one replica",
                ),
            )
        )
    return PublishedPort(
        container_port=port.target,
        host_port=low + replica.number - 1 if low and size > 1 else low,
        host_ip=port.host_ip,
        protocol=port.protocol,
    )


def _exposed(service: Service, config: ImageConfig) -> tuple[str, ...]:
    wanted = (*config.exposed_ports, *service.expose, *(f"{port.target}/{port.protocol}" for port in service.ports))
    return tuple(dict.fromkeys(text if "/" in text else f"{text}/tcp" for text in wanted))


def _labelled(spec: ContainerSpec, stack: Stack, service: Service) -> ContainerSpec:
    """The specification with its hash and the labels that Compose's tools read."""
    digest = config_hash(spec)
    labels: Mapping[str, str] = {
        naming.PROJECT: stack.name,
        naming.SERVICE: service.name,
        naming.NUMBER: str(spec.number),
        naming.CONFIG_HASH: digest,
        naming.ONE_OFF: "False",
        naming.WORKING_DIRECTORY: stack.directory,
        naming.CONFIG_FILES: ",".join(stack.files),
        naming.DEPENDS_ON: ",".join(
            f"{dependency.service}:{dependency.condition}:{str(dependency.restart).lower()}"
            for dependency in service.depends_on
        ),
        naming.IMAGE: spec.image_id,
        naming.VERSION: VERSION,
    }
    return msgspec.structs.replace(spec, config_hash=digest, labels={**spec.labels, **labels})
