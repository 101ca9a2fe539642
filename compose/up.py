"""Decides what brings a stack to what its file asks for, images first."""

import os
from collections.abc import Callable

from compose.contents import Contents, gather_contents, keep_contents
from compose.images import choose_images, make_images
from compose.model import Stack
from compose.observed import Observed
from compose.plan import plan
from compose.reports import Progress, Report, resource
from compose.steps import Action, MakeImage, Plan
from compose.wanted import Options, selected_services, wanted_stack
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
    stack: Stack, layout: Layout, observed: Observed, options: Options, contents: Contents, *, build: bool
) -> Plan:
    store = ImageStore(layout.images, layout.cache)
    images = choose_images(stack, selected_services(stack, options), store.find, build=build)
    return plan(wanted_stack(stack, images, options, new_id=new_id, digests=contents.digests), observed)


def decide_with_images(
    stack: Stack,
    layout: Layout,
    observed: Observed,
    options: Options,
    *,
    open_progress: OpenProgress,
    build: bool = False,
) -> Plan:
    """The plan for a stack once all is there that its containers are made of.

    Images that are missing are made here, contents of configs and secrets are kept for the containers to come.
    """
    contents = gather_contents(stack, selected_services(stack, options), layout)
    decided = _decide(stack, layout, observed, options, contents, build=build)
    if any(isinstance(step.action, MakeImage) for step in decided.steps):
        make_planned_images(decided, stack, layout, open_progress=open_progress)
        decided = _decide(stack, layout, observed, options, contents, build=False)
    keep_contents(layout.stack(stack.name), decided, contents)
    return decided


def make_planned_images(
    decided: Plan, stack: Stack, layout: Layout, *, open_progress: OpenProgress, no_cache: bool = False
) -> None:
    """Makes the images that a plan begins with, telling how it gets on."""
    actions = tuple(step.action for step in decided.steps if isinstance(step.action, MakeImage))
    progress = open_progress("build", actions)
    try:
        make_images(
            decided,
            stack,
            layout,
            no_cache=no_cache,
            on_step=lambda action, over: progress.report(_image_report(action, over=over)),
            on_line=progress.line,
        )
    finally:
        progress.close()


def _image_report(action: MakeImage, *, over: bool) -> Report:
    words = ("Building", "Built") if action.builder else ("Making", "Made")
    return Report(resource(action), words[over], over=over)
