"""Decides which images are pulled: by what is here, where it came from, and the services' policies."""

from collections.abc import Callable, Collection, Iterable
from typing import Final, NamedTuple

from compose.deciding.choices import ImageNeed
from compose.deciding.steps import MakeImage
from compose.grammar.quantities import duration_nanoseconds
from compose.model import Service
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


class Wish(NamedTuple):
    """What `windlass pull` was asked for; `policy` overrides that of the services."""

    policy: str = ""
    ignore_buildable: bool = False


def pulls_of(
    services: Iterable[Service], find: Callable[[str], Image | None], wish: Wish, built: Collection[str] = ()
) -> tuple[tuple[MakeImage, ...], tuple[tuple[str, str], ...]]:
    """What `windlass pull` pulls, each image once; and what it leaves out, with the reason.

    Services run images, mount them and run hooks in them; of the latter two, those that are `built` here are left out.
    """
    users: dict[str, list[str]] = {}
    skipped: dict[str, str] = {}
    for service in services:
        beside = [mount.source for mount in service.mounts if mount.type == "image"]
        beside += [hook.image for hook in service.pre_start if hook.image]
        for name in (service.image, *(each for each in beside if each not in built)):
            if not name or name.startswith(_MADE_HERE):
                skipped[name or service.name] = "is made here"
                continue
            reason = _reason_to_skip(service, name, wish, find)
            if reason:
                skipped[name] = reason
            else:
                users.setdefault(name, []).append(service.name)
    actions = tuple(MakeImage(name=name, services=tuple(names), pull=True) for name, names in users.items())
    return actions, tuple((name, reason) for name, reason in skipped.items() if name not in users)


def _reason_to_skip(service: Service, name: str, wish: Wish, find: Callable[[str], Image | None]) -> str:
    policy = wish.policy or service.pull_policy
    if policy in {"never", "build"}:
        return f"pull policy: {policy}"
    if service.build and name == service.image and wish.ignore_buildable:
        return "can be built"
    if policy in {"missing", "if_not_present"} and find(name) is not None:
        return "is here already"
    return ""
