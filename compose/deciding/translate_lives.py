"""How a service's containers live: when they count as healthy, when they are started again."""

from collections.abc import Mapping
from typing import Literal

import msgspec.structs

from compose.decoding.lives import KEPT_HERE
from compose.grammar.quantities import size_bytes
from compose.model import Healthcheck, Hook, Logging, Service
from compose.model import RestartPolicy as DeployPolicy
from engine.images.model import Image, ImageConfig, ImageHealth
from engine.spec import HealthProbe, LogOptions, RestartPolicy
from engine.spec import Hook as SpecHook

DEFAULT_INTERVAL_SECONDS = 30.0
DEFAULT_TIMEOUT_SECONDS = 30.0
DEFAULT_RETRIES = 3


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
        start_interval_seconds=check.start_interval_seconds or 0.0,
        retries=check.retries or known.retries or DEFAULT_RETRIES,
    )


def restart_policy(text: str, deploy: DeployPolicy | None = None) -> RestartPolicy:
    """Compose's `restart` text ("on-failure:3") as a policy; the reader has checked it. `deploy` is stronger."""
    if deploy is not None:
        conditions: dict[str, Literal["no", "on-failure", "always"]]
        conditions = {"none": "no", "on-failure": "on-failure", "any": "always"}
        return RestartPolicy(
            condition=conditions[deploy.condition],
            max_retries=deploy.max_attempts or 0,
            delay_seconds=deploy.delay_seconds,
            window_seconds=deploy.window_seconds,
        )
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


def log_options(logging: Logging | None) -> LogOptions:
    """How output is kept; drivers that lead elsewhere keep it here as well."""
    if logging is None:
        return LogOptions()
    if logging.driver == "none":
        return LogOptions(kept=False)
    known = logging.options if logging.driver in KEPT_HERE else {}
    size, files = known.get("max-size", ""), known.get("max-file", "")
    default = LogOptions()
    unlimited = size == "-1"
    return LogOptions(
        max_bytes=0 if unlimited else size_bytes(size) if size else default.max_bytes,
        max_files=int(files) if files else default.max_files,
    )


def storage_bytes(options: Mapping[str, str]) -> int | None:
    """How large a container's writable layer may become; None without a limit."""
    return size_bytes(options["size"]) if "size" in options else None


def hooks_before(service: Service, images: Mapping[str, Image]) -> tuple[SpecHook, ...]:
    """A service's pre_start hooks, those that run in another image with all that this says and the file leaves out."""
    plain = zip(service.pre_start, hooks(service.pre_start), strict=True)
    return tuple(_in_image(hook, images[wish.image], wish, service) if wish.image else hook for wish, hook in plain)


def _in_image(hook: SpecHook, image: Image, wish: Hook, service: Service) -> SpecHook:
    config = image.config
    return msgspec.structs.replace(
        hook,
        argv=(*config.entrypoint, *(hook.argv or config.command)),
        user=hook.user or config.user,
        working_directory=hook.working_directory or config.working_directory or "/",
        environment={**config.environment, **service.environment, **hook.environment},
        image_id=image.id,
        image_name=wish.image,
        layers=image.layers,
    )


def hooks(wanted: tuple[Hook, ...]) -> tuple[SpecHook, ...]:
    """Hooks as the engine runs them."""
    return tuple(
        SpecHook(
            argv=hook.command,
            user=hook.user,
            privileged=hook.privileged,
            working_directory=hook.working_dir,
            environment=hook.environment,
            per_replica=hook.per_replica,
        )
        for hook in wanted
    )
