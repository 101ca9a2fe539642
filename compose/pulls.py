"""Decides whether a service's image is pulled: by what is here, where it came from, and the service's policy."""

from collections.abc import Callable
from typing import Final

from compose.model import Service
from compose.quantities import duration_nanoseconds
from compose.wanted import ImageNeed
from engine.images.model import Image, Origin

_AGES: Final = {"daily": "24h", "weekly": "168h"}
_MADE_HERE: Final = "debootstrap:"


def pull_need(
    name: str, service: Service, image: Image | None, origin: Callable[[str], Origin | None], now_ns: int
) -> ImageNeed | None:
    """What has to be pulled for a service without a Dockerfile, and why; None when nothing is."""
    policy = service.pull_policy
    if policy in {"never", "build"} or name.startswith(_MADE_HERE):
        return None
    if image is None:
        return ImageNeed(cause="not here yet", pull=True)
    if policy == "always":
        return ImageNeed(cause="pull policy: always", pull=True)
    age = _AGES.get(policy) or (policy.removeprefix("every_") if policy.startswith("every_") else "")
    found = origin(name) if age else None
    if found is not None and now_ns - found.checked_ns >= duration_nanoseconds(age):
        return ImageNeed(cause=f"pull policy: {policy}", pull=True)
    return None
