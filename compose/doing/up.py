"""Decides what brings a stack to what its file asks for, images first."""

import os
import time
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from msgspec import structs

from compose import naming
from compose.deciding.observed import Observed
from compose.deciding.options import Options
from compose.deciding.plan import plan
from compose.deciding.selection import selected_services
from compose.deciding.steps import Action, CreateContainer, MakeImage, Plan
from compose.deciding.translate_files import Surroundings
from compose.deciding.wanted import wanted_stack
from compose.doing.build_requests import BuildFlags
from compose.doing.contents import Contents, gather_contents, keep_contents
from compose.doing.image_reports import image_report, layer_reports
from compose.doing.images import choose_images, make_images, mount_choices, mounted_images
from compose.doing.plainlines import Silence
from compose.doing.preflight import require_ports, require_resources
from compose.doing.reports import Progress
from compose.doing.stale_images import stale_images
from compose.doing.volume_mounts import attach_volumes
from compose.model import Stack
from engine.images.store import ImageStore
from engine.layout import Layout

OpenProgress = Callable[[str, tuple[Action, ...]], Progress]


def new_id() -> str:
    """A container's id: 64 hexadecimal digits."""
    return os.urandom(32).hex()


def decide(stack: Stack, layout: Layout, observed: Observed, options: Options, *, build: bool = False) -> Plan:
    """The plan for a stack with the images that are here; `build` asks for fresh builds first."""
    contents = gather_contents(stack, selected_services(stack, options), layout)
    return _decide(stack, layout, observed, options, contents, build=build)


def _decide(
    stack: Stack,
    layout: Layout,
    observed: Observed,
    options: Options,
    contents: Contents,
    *,
    build: bool,
    fresh: Collection[str] = (),
) -> Plan:
    store = ImageStore(layout.images, layout.cache)
    services = selected_services(stack, options)
    if options.pull:
        services = tuple(structs.replace(service, pull_policy=options.pull) for service in services)
    images = choose_images(
        stack,
        services,
        store.find,
        build=build,
        no_build=options.no_build,
        origin=store.origin,
        now_ns=time.time_ns(),
        fresh=fresh,
    )
    require_resources(stack, services, observed)
    specs = {record.spec.name: record.spec for record in observed.containers}
    mounted = mount_choices(stack, services, images, store.find)
    to_come = {**images, **{choice.name: choice for choice in mounted}}
    around = Surroundings(
        digests=contents.digests,
        images=mounted_images(stack, services, to_come, store.find),
        specs={**{spec.service: spec for spec in specs.values() if spec.number == 1}, **specs},
    )
    wanted = wanted_stack(stack, images, options, new_id=new_id, around=around, mounted=mounted)
    decided = plan(wanted, observed)
    stale = stale_images(services, images, layout.cache)
    return _with_hashes(structs.replace(decided, warnings=(*decided.warnings, *stale)), stack)


def _with_hashes(decided: Plan, stack: Stack) -> Plan:
    """The plan whose new containers carry the hash of their service's definition, which `config --hash` prints."""
    if not any(isinstance(step.action, CreateContainer) for step in decided.steps):
        return decided
    from compose.printing.service_hash import service_hash  # noqa: PLC0415 - an unchanged stack does without

    hashes = {name: service_hash(stack, name) for name in stack.services}
    steps = (
        structs.replace(step, action=_labelled(step.action, hashes))
        if isinstance(step.action, CreateContainer)
        else step
        for step in decided.steps
    )
    return structs.replace(decided, steps=tuple(steps))


def _labelled(action: CreateContainer, hashes: Mapping[str, str]) -> CreateContainer:
    labels = {**action.spec.labels, naming.CONFIG_HASH: hashes[action.spec.service]}
    return structs.replace(action, spec=structs.replace(action.spec, labels=labels))


class Quiet(NamedTuple):
    """What nothing is said about."""

    builds: bool = False
    pulls: bool = False


def decide_with_images(
    stack: Stack,
    layout: Layout,
    observed: Observed,
    options: Options,
    *,
    open_progress: OpenProgress,
    environment: Mapping[str, str],
    build: bool = False,
    quiet: Quiet = Quiet(),  # noqa: B008 - it cannot change
) -> Plan:
    """The plan for a stack once all is there that its containers are made of.

    Images that are missing are made here, contents of configs and secrets are kept for the containers to come; before
    that, FileError when the host lacks what it needs. `environment` says where this user's credentials are.
    """
    contents = gather_contents(stack, selected_services(stack, options), layout)
    decided = _decide(stack, layout, observed, options, contents, build=build)
    require_ports(stack, decided, observed, layout.stack(stack.name))
    made = {step.action.name for step in decided.steps if isinstance(step.action, MakeImage)}
    if made:
        make_planned_images(decided, stack, layout, open_progress=open_progress, environment=environment, quiet=quiet)
        decided = _decide(stack, layout, observed, options, contents, build=False, fresh=made)
    attach_volumes(layout, decided)
    keep_contents(layout.stack(stack.name), decided, contents)
    return decided


def make_planned_images(
    decided: Plan,
    stack: Stack,
    layout: Layout,
    *,
    open_progress: OpenProgress,
    environment: Mapping[str, str],
    flags: BuildFlags = BuildFlags(),  # noqa: B008 -- it never changes
    quiet: Quiet = Quiet(),  # noqa: B008 - it cannot change
) -> None:
    """Makes the images that a plan begins with, telling how it gets on, but for what is to be `quiet`."""
    actions = tuple(step.action for step in decided.steps if isinstance(step.action, MakeImage))
    shown = tuple(action for action in actions if not (quiet.pulls if action.pull else quiet.builds))
    title = "pull" if all(action.pull for action in shown) else "build"
    progress: Progress = open_progress(title, shown) if shown else Silence()
    pulls: Progress = Silence() if quiet.pulls else progress
    builds: Progress = Silence() if quiet.builds else progress
    try:
        make_images(
            decided,
            stack,
            layout,
            flags=flags,
            on_step=lambda action, over: (pulls if action.pull else builds).report(image_report(action, over=over)),
            on_line=builds.line,
            on_layer=layer_reports(pulls),
            environment=environment,
        )
    finally:
        progress.close()
