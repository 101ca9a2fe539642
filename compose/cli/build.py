"""`windlass build`."""

from typing import Annotated

from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.deciding.steps import MakeImage, Plan, Step
from compose.deciding.wanted import require_service
from compose.doing.images import choose_images
from compose.doing.up import make_planned_images
from compose.errors import UsageError
from engine.images.store import ImageStore


def command(
    session: Session,
    services: Annotated[list[str] | None, Argument("Only these services.")] = None,
    *,
    no_cache: Annotated[bool, Option("--no-cache", tells="Do every step again.")] = False,
    pull: Annotated[bool, Option("--pull", tells="Not supported yet.")] = False,
) -> None:
    """Builds the images of services with a Dockerfile."""
    if pull:
        raise UsageError("windlass build --pull is not supported yet", hint="leave it out")
    session.refuse_dry_run("build")
    session.require_root()
    stack = session.startable_stack(services=tuple(services or ()))
    for name in services or ():
        require_service(stack, name)
    chosen = [
        service for service in stack.services.values() if service.build and (not services or service.name in services)
    ]
    store = ImageStore(session.layout.images, session.layout.cache)
    names = {choice.name: name for name, choice in choose_images(stack, chosen, store.find, build=True).items()}
    steps = tuple(
        Step(key=f"build image {image}", action=MakeImage(name=image, services=(name,), builder=name), cause="build")
        for image, name in names.items()
    )
    if not steps:
        session.tell("no service has a Dockerfile to build: nothing to do")
        return
    plan = Plan(stack=stack.name, steps=steps)
    make_planned_images(
        plan,
        stack,
        session.layout,
        open_progress=session.progress,
        environment=session.environment,
        no_cache=no_cache,
    )
