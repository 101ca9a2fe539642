"""Decides what brings a stack to what its file asks for, images first."""

import os
from collections.abc import Callable

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
    store = ImageStore(layout.images, layout.cache)
    images = choose_images(stack, selected_services(stack, options), store.find, build=build)
    return plan(wanted_stack(stack, images, options, new_id=new_id), observed)


def decide_with_images(
    stack: Stack,
    layout: Layout,
    observed: Observed,
    options: Options,
    *,
    open_progress: OpenProgress,
    build: bool = False,
) -> Plan:
    """The plan for a stack once its images are there: those that are missing are made here."""
    decided = decide(stack, layout, observed, options, build=build)
    if not any(isinstance(step.action, MakeImage) for step in decided.steps):
        return decided
    make_planned_images(decided, stack, layout, open_progress=open_progress)
    return decide(stack, layout, observed, options)


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
