"""Brings a stack to what its file asks for: observes, decides, does."""

import os
import time
from collections.abc import Callable

from compose.connection import Connection
from compose.execute import Execution, Happening, Supervisor, WaitForNews, wait_readable
from compose.images import choose_images, make_images
from compose.model import Stack
from compose.observed import Observed
from compose.plan import plan
from compose.reports import Progress, Report, report_of, resource
from compose.shelf import LocalShelf
from compose.steps import Action, MakeImage, Plan
from compose.wanted import Options, selected_services, wanted_stack
from engine.images.store import ImageStore
from engine.layout import Layout
from engine.protocol import Event

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


def carry_out(
    decided: Plan,
    connection: Connection,
    layout: Layout,
    *,
    progress: Progress,
    on_event: Callable[[Event], None] = lambda _event: None,
    wait: WaitForNews = wait_readable,
    persist: bool = False,
    timeout_seconds: float | None = None,
) -> tuple[Happening, ...]:
    """Does what a plan says, telling how it gets on; returns what failed."""

    def tell(happening: Happening) -> None:
        report = report_of(happening)
        if report:
            progress.report(report)

    for name in decided.unchanged:
        progress.report(Report(f"Container {name}", "Running", over=True))
    execution = Execution(
        decided,
        connection.client,
        LocalShelf(layout),
        on_happening=tell,
        on_event=on_event,
        wait=ticking(wait, progress),
        persist=persist,
    )
    try:
        return execution.run(timeout_seconds=timeout_seconds)
    finally:
        progress.close()


def ticking(wait: WaitForNews, progress: Progress) -> WaitForNews:
    """Waits as `wait` does, but lets progress show that time goes by."""
    tick_seconds = progress.tick_seconds
    if tick_seconds is None:
        return wait

    def wait_and_tick(supervisor: Supervisor, seconds: float | None) -> bool:
        deadline = None if seconds is None else time.monotonic() + seconds
        while not wait(supervisor, tick_seconds):
            progress.tick()
            if deadline is not None and time.monotonic() >= deadline:
                return False
        return True

    return wait_and_tick
