"""`windlass build`."""

import sys
from typing import TYPE_CHECKING, Annotated

from compose.cli.choices import one_of
from compose.cli.options import Argument, Option
from compose.cli.session import PROGRESS_MODES, Session
from compose.deciding.options import Options
from compose.deciding.selection import require_service, selected_services
from compose.deciding.steps import MakeImage, Plan, Step
from compose.doing.build_requests import BuildFlags
from compose.errors import StackError, UsageError
from compose.grammar.quantities import size_bytes

if TYPE_CHECKING:
    from compose.model import Service, Stack


def command(
    session: Session,
    services: Annotated[list[str] | None, Argument("Only these services.")] = None,
    *,
    no_cache: Annotated[bool, Option("--no-cache", tells="Do every step again.")] = False,
    pull: Annotated[bool, Option("--pull", tells="Ask registries and mirrors for newer base images.")] = False,
    build_arg: Annotated[
        list[str] | None, Option("--build-arg", tells="A value for an ARG: NAME=VALUE, or NAME of a variable.")
    ] = None,
    ssh: Annotated[list[str] | None, Option("--ssh", tells="An SSH agent for RUN: default, or ID=SOCKET.")] = None,
    memory: Annotated[str, Option("--memory", "-m", tells="The most memory that a command may use.")] = "",
    with_dependencies: Annotated[
        bool, Option("--with-dependencies", tells="Also what the services depend on.")
    ] = False,
    push: Annotated[bool, Option("--push", tells="Give the images to their registries.")] = False,
    quiet: Annotated[bool, Option("--quiet", "-q", tells="Say nothing while images are built.")] = False,
    check: Annotated[bool, Option("--check", tells="Read the Dockerfiles and build nothing.")] = False,
    print_: Annotated[bool, Option("--print", tells="Print the builds as a file of docker buildx bake.")] = False,
    builder: Annotated[str, Option("--builder", tells="Only `default`: windlass builds itself.")] = "",
    provenance: Annotated[str, Option("--provenance", tells="Only `false`: windlass attests nothing.")] = "",
    sbom: Annotated[str, Option("--sbom", tells="Only `false`: windlass attests nothing.")] = "",
    progress: Annotated[str, Option("--progress", hidden=True)] = "",
    old_words: Annotated[bool, Option("--compress", "--force-rm", "--no-rm", "--parallel", hidden=True)] = False,
) -> int:
    """Builds the images of services with a Dockerfile."""
    del old_words  # as in Compose, where they have long had no effect
    if progress:
        session.progress_mode = one_of("--progress", progress, PROGRESS_MODES)
    _refuse({"--builder": (builder, "default"), "--provenance": (provenance, "false"), "--sbom": (sbom, "false")})
    session.refuse_dry_run("build")
    flags = BuildFlags(
        no_cache=no_cache,
        pull=pull,
        args=tuple(build_arg or ()),
        ssh=tuple(ssh or ()),
        memory_bytes=_memory(memory),
    )
    if not (check or print_):
        session.require_root()
    named = tuple(services or ())
    stack = session.startable_stack(services=named)
    chosen = _chosen(stack, named, with_dependencies=with_dependencies)
    if not chosen:
        session.tell("no service has a Dockerfile to build: nothing to do")
    elif print_:
        _print(stack, chosen, pushes=push)
    elif check:
        return _check(session, stack, chosen, flags)
    else:
        _build(session, stack, chosen, flags, quiet=quiet, push=push)
    return 0


def _refuse(given: dict[str, tuple[str, str]]) -> None:
    for option, (value, only) in given.items():
        if value not in ("", only):
            raise UsageError(f"{option} can only be {only}: windlass builds itself, and attests nothing")


def _memory(text: str) -> int | None:
    try:
        return size_bytes(text) if text else None
    except ValueError:
        raise UsageError(f"--memory {text}: no such size", hint="write a number with k, m or g") from None


def _chosen(stack: "Stack", named: tuple[str, ...], *, with_dependencies: bool) -> "tuple[Service, ...]":
    for name in named:
        require_service(stack, name)
    wish = Options(services=named, no_dependencies=not with_dependencies)
    return tuple(service for service in selected_services(stack, wish) if service.build)


def _build(
    session: Session, stack: "Stack", chosen: "tuple[Service, ...]", flags: BuildFlags, *, quiet: bool, push: bool
) -> None:
    from compose.doing.holding import images_held  # noqa: PLC0415 - reading files is enough for the others
    from compose.doing.image_reports import layer_reports  # noqa: PLC0415 - likewise
    from compose.doing.images import image_of  # noqa: PLC0415 - likewise
    from compose.doing.plainlines import Silence  # noqa: PLC0415 - likewise
    from compose.doing.up import make_planned_images  # noqa: PLC0415 - likewise

    builders = {image_of(stack, service.name): service.name for service in reversed(chosen)}
    steps = tuple(
        Step(key=f"build image {image}", action=MakeImage(name=image, services=(name,), builder=name), cause="build")
        for image, name in reversed(builders.items())
    )
    with images_held(session.layout):
        make_planned_images(
            Plan(stack=stack.name, steps=steps),
            stack,
            session.layout,
            open_progress=(lambda _title, _actions: Silence()) if quiet else session.progress,
            environment=session.environment,
            flags=flags,
        )
    if push:
        from compose.deciding.pushes import pushes_of  # noqa: PLC0415 - rarely asked for
        from compose.doing.pushing import push_images  # noqa: PLC0415 - likewise
        from engine.images.store import ImageStore  # noqa: PLC0415 - likewise

        progress = Silence() if quiet else session.progress("push", ())
        names = [*pushes_of(chosen)[0], *(tag for service in chosen if service.build for tag in service.build.tags)]
        store = ImageStore(session.layout.images, session.layout.cache)
        try:
            failures = push_images(names, store, session.environment, progress, layer_reports(progress))
        finally:
            progress.close()
        for error in failures.values():
            raise StackError(error.message, hint=error.hint)


def _check(session: Session, stack: "Stack", chosen: "tuple[Service, ...]", flags: BuildFlags) -> int:
    """Tells what is wrong with the Dockerfiles; the exit status."""
    from compose.cli.failures import write  # noqa: PLC0415 - rarely asked for
    from compose.doing.build_requests import request_for  # noqa: PLC0415 - likewise
    from compose.doing.images import image_of  # noqa: PLC0415 - likewise
    from engine.dockerfiles.builder import check  # noqa: PLC0415 - likewise
    from engine.errors import BuildError  # noqa: PLC0415 - likewise

    failed = False
    for service in chosen:
        if service.build is None:
            continue
        name = image_of(stack, service.name)
        request = request_for(
            service.build,
            name,
            environment=session.environment,
            image_of=lambda other: image_of(stack, other),
            flags=flags,
        )
        try:
            warnings = check(request)
        except BuildError as error:
            failed = True
            session.tell(f"{service.name}:")
            write(sys.stderr, error.message, error.hint)
            continue
        for warning in warnings:
            session.warn(f"{service.name}: {warning}")
        if not warnings:
            session.tell(f"{service.name}: nothing is wrong with its Dockerfile")
    return 1 if failed else 0


def _print(stack: "Stack", chosen: "tuple[Service, ...]", *, pushes: bool) -> None:
    from compose.doing.images import builds_in_order, image_of, own_labels  # noqa: PLC0415 - rarely asked for
    from compose.printing.bake import bake_file  # noqa: PLC0415 - likewise
    from compose.printing.jsontext import json_text  # noqa: PLC0415 - likewise

    wanted = [MakeImage(name=image_of(stack, one.name), services=(), builder=one.name) for one in chosen]
    services = {**stack.disabled, **stack.services}
    builds = {
        action.builder: build
        for action in builds_in_order(stack, wanted)
        if (build := services[action.builder].build) is not None
    }
    targets = bake_file(
        builds,
        [service.name for service in chosen],
        image_of=lambda name: image_of(stack, name),
        secrets=stack.secrets,
        labels=lambda name: own_labels(stack, name),
        pushes=pushes,
    )
    sys.stdout.write(json_text(targets))
