"""Which image each service runs, and what has to be done before it is there."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from compose import codes, naming
from compose.deciding.choices import UNKNOWN_IMAGE, ImageChoice, ImageNeed
from compose.deciding.pulls import pull_need
from compose.deciding.steps import MakeImage, Plan
from compose.doing.build_requests import BuildFlags, request_for
from compose.doing.contents import secret_contents
from compose.errors import FileError, Problem
from compose.model import Path, Service, Stack
from engine.images.model import Image, Origin
from engine.images.store import ImageStore
from engine.layout import Layout
from engine.version import VERSION

if TYPE_CHECKING:
    from engine.registries.terms import LayerNews

BOOTSTRAP = "debootstrap:"


def choose_images(
    stack: Stack,
    services: Iterable[Service],
    find: Callable[[str], Image | None],
    *,
    build: bool = False,
    no_build: bool = False,
    origin: Callable[[str], Origin | None] = lambda _name: None,
    now_ns: int = 0,
    fresh: Collection[str] = (),
) -> dict[str, ImageChoice]:
    """The services' images by service name; `build` asks for a fresh build of those that have a Dockerfile.

    With `no_build`, nothing is built. `origin` tells where an image that is here was pulled from, and when; those named
    in `fresh` have just been made or pulled, whatever the policies say.

    Raises FileError for images that are neither here nor can be made.
    """
    choices: dict[str, ImageChoice] = {}
    problems: list[Problem] = []
    found: dict[str, Image | None] = {}
    builders = builders_of(stack)
    for service in services:
        name = service.image or naming.image_name(stack.name, service.name, stack.separator)
        if name not in found:
            found[name] = find(name)
        image = found[name]
        builder = builders.get(name, "")
        need = None
        if image is None or name not in fresh:
            need = _need(name, image, "" if no_build else builder, build=build, policy=service.pull_policy)
            if need is None and not builder:
                need = pull_need(name, service, image, origin, now_ns)
        problem = _problem(stack, service, name, found=image is not None, made=need is not None, builder=builder)
        if image is None and builder and no_build:
            place, hint = stack.place("services", service.name, "build"), f"windlass build {builder} builds it"
            problem = Problem(
                place, f"image {name} is not built yet, and --no-build forbids it", hint, codes.IMAGE_MISSING
            )
        if problem is not None:
            problems.append(problem)
        choices[service.name] = ImageChoice(name=name, image=image, need=need)
    if problems:
        raise FileError(tuple(problems))
    return choices


class Beside(NamedTuple):
    """An image that a service needs besides its own, where it says so, and what for."""

    path: Path
    name: str
    does: str
    cause: str


def images_beside(service: Service) -> Iterator[Beside]:
    """The images that a service mounts, or runs hooks in."""
    for index, mount in enumerate(service.mounts):
        if mount.type == "image":
            yield Beside(("volumes", index), mount.source, "mounts", f"mounted by {service.name}")
    for index, hook in enumerate(service.pre_start):
        if hook.image:
            yield Beside(("pre_start", index, "image"), hook.image, "runs a hook in", f"a hook of {service.name}")


def mount_choices(
    stack: Stack, services: Iterable[Service], choices: Mapping[str, ImageChoice], find: Callable[[str], Image | None]
) -> tuple[ImageChoice, ...]:
    """The images that services mount or run hooks in, that are neither here nor a service's, and what that asks for."""
    known = {choice.name for choice in choices.values()}
    builders = builders_of(stack)
    needed: dict[str, ImageChoice] = {}
    for service in services:
        for _, name, _, cause in images_beside(service):
            if name in known or name in needed or service.pull_policy == "never" or find(name) is not None:
                continue
            need = ImageNeed(cause=cause, pull=True)
            if name in builders or name.startswith(BOOTSTRAP):
                need = ImageNeed(cause=cause, builder=builders.get(name, ""))
            needed[name] = ImageChoice(name=name, need=need)
    return tuple(needed.values())


def mounted_images(
    stack: Stack,
    services: Iterable[Service],
    choices: Mapping[str, ImageChoice],
    find: Callable[[str], Image | None],
) -> dict[str, Image]:
    """The images that services mount or run hooks in, by name; one that is to be made for a service counts as empty.

    Raises FileError for those that are not here.
    """
    made = {choice.name for choice in choices.values() if choice.need}
    images: dict[str, Image] = {}
    problems: list[Problem] = []
    for service in services:
        for path, name, does, _ in images_beside(service):
            if name in images:
                continue
            image = find(name) or (UNKNOWN_IMAGE if name in made else None)
            if image is not None:
                images[name] = image
                continue
            problems.append(
                Problem(
                    stack.place("services", service.name, *path),
                    f"services.{service.name} {does} the image {name}, which is not here",
                    "windlass pull gets it, whatever the pull policy says",
                    codes.IMAGE_MISSING,
                )
            )
    if problems:
        raise FileError(tuple(problems))
    return images


def _need(name: str, image: Image | None, builder: str, *, build: bool, policy: str) -> ImageNeed | None:
    if builder and (build or image is None or policy == "build"):
        reason = "--build" if build else "pull_policy: build"
        return ImageNeed(builder=builder, cause="not built yet" if image is None else reason)
    if name.startswith(BOOTSTRAP) and policy != "never":
        if image is None:
            return ImageNeed(cause="not made yet")
        if policy == "always":
            return ImageNeed(cause="pull policy: always", refresh=True)
    return None


def _problem(stack: Stack, service: Service, name: str, *, found: bool, made: bool, builder: str) -> Problem | None:
    """Why an image cannot be had: the service's policy forbids to get it."""
    policy = service.pull_policy
    place = stack.place("services", service.name, "pull_policy" if policy else "image")
    if policy == "build" and not builder:
        message = f"services.{service.name}.pull_policy is build, but nothing says how to build {name}"
        return Problem(place, message, "add `build:` with the directory of a Dockerfile", codes.IMAGE_MISSING)
    if found or made or policy != "never":
        return None
    message = f"image {name} is not here, and the pull policy `never` forbids to get it"
    return Problem(place, message, f"windlass pull {service.name} gets it", codes.IMAGE_MISSING)


def builders_of(stack: Stack) -> dict[str, str]:
    """The first service that builds an image, by the image's name."""
    return {
        service.image or naming.image_name(stack.name, service.name, stack.separator): service.name
        for service in reversed(_all_services(stack).values())
        if service.build
    }


def _all_services(stack: Stack) -> dict[str, Service]:
    return {**stack.disabled, **stack.services}


def make_images(
    plan: Plan,
    stack: Stack,
    layout: Layout,
    *,
    on_step: Callable[[MakeImage, bool], None],
    on_line: Callable[[str], None],
    on_layer: "Callable[[LayerNews], None]",
    environment: Mapping[str, str],
    flags: BuildFlags = BuildFlags(),  # noqa: B008 -- it never changes
) -> None:
    """Makes the plan's images; `on_step` is told of begin (False) and end (True) of each.

    Pulls come first, several at once; `environment` says where this user's credentials for registries are. Builds
    come in the plan's order, but for those that others need.

    Raises BuildError or ImageError; what was made until then stays.
    """
    store = ImageStore(layout.images, layout.cache)
    actions = [step.action for step in plan.steps if isinstance(step.action, MakeImage)]
    pulls = [action for action in actions if action.pull]
    if pulls:
        from compose.doing.pulling import pull_images, way_of  # noqa: PLC0415 - rarely needed

        failures = pull_images(pulls, store, way_of(environment), on_step=on_step, on_layer=on_layer)
        for error in failures.values():
            raise error
    for action in builds_in_order(stack, [action for action in actions if not action.pull]):
        on_step(action, False)
        if action.builder:
            _build(action, stack, store, layout, on_line, environment=environment, flags=flags)
        else:
            from engine.images.debootstrap import ensure_debootstrap  # noqa: PLC0415 - rarely needed

            ensure_debootstrap(store, action.name.removeprefix(BOOTSTRAP), on_line, refresh=action.refresh)
        on_step(action, True)


def builds_in_order(stack: Stack, actions: Iterable[MakeImage]) -> tuple[MakeImage, ...]:
    """The actions with those of services whose images they build on, each once, and these first."""
    services = _all_services(stack)
    ordered: dict[str, MakeImage] = {}
    wanted = {action.name: action for action in actions}

    def add(action: MakeImage, above: tuple[str, ...]) -> None:
        build = services[action.builder].build if action.builder else None
        for needed in build.needs if build else ():
            if needed in above:
                chain = " -> ".join((*above[above.index(needed) :], needed))
                place = stack.place("services", action.builder, "build")
                message = f"the builds of services need each other in a circle: {chain}"
                raise FileError((Problem(place, message, "take one of them out of additional_contexts", codes.CIRCLE),))
            name = image_of(stack, needed)
            add(wanted.get(name) or MakeImage(name=name, services=(), builder=needed), (*above, needed))
        ordered.setdefault(action.name, action)

    for action in wanted.values():
        add(action, (action.builder,))
    return tuple(ordered.values())


def image_of(stack: Stack, service_name: str) -> str:
    """The name of a service's image."""
    return _all_services(stack)[service_name].image or naming.image_name(stack.name, service_name, stack.separator)


def own_labels(stack: Stack, service_name: str) -> dict[str, str]:
    """The labels that every image has which a service builds."""
    return {naming.PROJECT: stack.name, naming.SERVICE: service_name, naming.VERSION: VERSION}


def _build(
    action: MakeImage,
    stack: Stack,
    store: ImageStore,
    layout: Layout,
    on_line: Callable[[str], None],
    *,
    environment: Mapping[str, str],
    flags: BuildFlags,
) -> None:
    """Builds an image as its service says."""
    from engine.dockerfiles.build import build  # noqa: PLC0415 - rarely needed

    wanted = _all_services(stack)[action.builder].build
    if wanted is None:
        raise AssertionError(f"a build of {action.name} was planned for a service without one")
    request = request_for(
        wanted,
        action.name,
        environment=environment,
        image_of=lambda name: image_of(stack, name),
        secrets=secret_contents(stack, {key for _, key in wanted.secrets}, layout),
        flags=flags,
    )
    request = request._replace(labels={**request.labels, **own_labels(stack, action.builder)})

    def pull(store: ImageStore, name: str, on_line: Callable[[str], None]) -> Image:
        from compose.doing.pulling import obtain  # noqa: PLC0415 - most bases are here

        return obtain(store, name, environment, on_line, refresh=True)

    build(request, store=store, layout=layout, pull=pull, on_progress=on_line)
