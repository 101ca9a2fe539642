"""A service's replica with its image becomes a container's complete specification."""

from collections.abc import Mapping

import msgspec.structs

from compose import codes, naming
from compose.deciding.fingerprint import config_hash
from compose.deciding.replica import Replica
from compose.deciding.translate_files import Surroundings, mounts
from compose.deciding.translate_lives import (
    health_probe,
    hooks,
    hooks_before,
    log_options,
    restart_policy,
    storage_bytes,
)
from compose.deciding.translate_networks import networking
from compose.deciding.translate_programs import confinement_and_shares
from compose.errors import FileError, Problem
from compose.model import Service, Stack
from engine.images.model import Image, ImageConfig
from engine.spec import ContainerSpec, Process
from engine.version import VERSION

DEFAULT_GRACE_SECONDS = 10.0


def container_spec(
    stack: Stack,
    replica: Replica,
    image: Image,
    image_name: str,
    *,
    container_id: str,
    around: Surroundings | None = None,
) -> ContainerSpec:
    """The replica's specification; raises FileError where file and image together make no sense.

    `around` is what its mounts depend on besides.
    """
    service = replica.service
    config = image.config
    name = service.container_name or naming.container_name(stack.name, service.name, replica.number, stack.separator)
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
            groups=service.group_add,
            terminal=service.tty,
            stdin_open=service.stdin_open,
        ),
        config_hash="",
        mounts=mounts(stack, replica, config, around or Surroundings()),
        health=health_probe(service.healthcheck, config),
        restart=restart_policy(service.restart, service.restart_policy),
        log=log_options(service.logging),
        pre_start=hooks_before(service, around.images if around else {}),
        post_start=hooks(service.post_start),
        pre_stop=hooks(service.pre_stop),
        annotations=service.annotations,
        on_unhealthy=service.on_unhealthy,
        shm_bytes=service.shm_size_bytes,
        storage_bytes=storage_bytes(service.storage_opt),
        stop_signal=_signal(service.stop_signal or config.stop_signal),
        stop_grace_seconds=(
            DEFAULT_GRACE_SECONDS if service.stop_grace_period_seconds is None else service.stop_grace_period_seconds
        ),
        init=service.init,
        read_only=service.read_only,
        cap_add=service.cap_add,
        cap_drop=service.cap_drop,
        labels={**config.labels, **service.labels},
        **confinement_and_shares(stack, replica),
        **networking(stack, replica, config, container_id),
    )
    return _labelled(spec, stack, service)


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
                    codes.NOTHING_TO_RUN,
                ),
            )
        )
    return words


def _signal(text: str) -> str:
    """A signal's name with SIG; numbers stay as they are."""
    name = text.upper() or "SIGTERM"
    return name if name.startswith("SIG") or name.isdigit() else f"SIG{name}"


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
        **({naming.ENVIRONMENT_FILE: ",".join(stack.env_files)} if stack.env_files else {}),
        naming.DEPENDS_ON: ",".join(
            f"{dependency.service}:{dependency.condition}:{str(dependency.restart).lower()}"
            for dependency in service.depends_on
        ),
        naming.IMAGE: spec.image_id,
        naming.VERSION: VERSION,
    }
    return msgspec.structs.replace(spec, config_hash=digest, labels={**spec.labels, **labels})
