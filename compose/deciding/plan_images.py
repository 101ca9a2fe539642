"""Which images have to be got before anything of a stack is made."""

from compose.deciding.choices import ImageNeed
from compose.deciding.steps import Draft, MakeImage
from compose.deciding.wanted import Wanted


def plan_images(draft: Draft, wanted: Wanted) -> None:
    """Adds a step for each image that is needed, once for all services that run it."""
    users: dict[str, list[str]] = {}
    needs: dict[str, ImageNeed] = {}
    for service in wanted.services:
        if service.image.need:
            users.setdefault(service.image.name, []).append(service.name)
            needs.setdefault(service.image.name, service.image.need)
    for choice in wanted.mounted:
        if choice.need:
            needs.setdefault(choice.name, choice.need)
    for name, need in needs.items():
        services = tuple(users.get(name, ()))
        action = MakeImage(name=name, services=services, builder=need.builder, pull=need.pull, refresh=need.refresh)
        draft.add(action, need.cause)
