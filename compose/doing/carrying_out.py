"""Carries a plan out and tells how it gets on."""

import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping

from compose.deciding.steps import Await, Plan, StopContainer
from compose.doing.connection import Connection
from compose.doing.deafness import deafness
from compose.doing.execute import Execution, Happening, Supervisor, WaitForNews, wait_readable
from compose.doing.plainlines import JsonLines
from compose.doing.reports import Progress, Report, report_of, told
from compose.doing.shelf import LocalShelf
from engine.client import Client
from engine.layout import Layout
from engine.protocol import Event, Subscribe
from engine.state import ContainerRecord


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
    records: Iterable[ContainerRecord] = (),
    parallel: int = 0,
    warn: Callable[[str], None] = lambda _text: None,
) -> tuple[Happening, ...]:
    """Does what a plan says, telling how it gets on; returns what failed.

    Health checks that cannot run and containers that end again and again are told while they are waited for. Of
    `records`, the containers as they were observed, those that will not heed their stop signal are told. Programs that
    read the progress get the events of the containers as well. `warn` gets, at the end, what could not be done and need
    not have been.
    """
    skipped: list[Happening] = []
    awaited = {step.action.id for step in decided.steps if isinstance(step.action, Await)}
    records_by_id = {record.spec.id: record for record in records}

    def tell(happening: Happening) -> None:
        for report in _news(happening, records_by_id):
            progress.report(report)
        if happening.phase == "failed" and happening.step.optional:
            skipped.append(happening)

    for names, word in ((decided.unchanged, "Running"), (decided.finished, "Exited")):
        _tell_all(progress, names, word)

    def connect() -> Client:
        client = connection.client()
        if isinstance(progress, JsonLines) or awaited:
            client.ask(Subscribe())
        return client

    def take(event: Event) -> None:
        if isinstance(progress, JsonLines):
            progress.event(event)
        elif why := _why_waiting(event, awaited):
            progress.report(Report(f"Container {event.container_name}", "Waiting", why))
        on_event(event)

    execution = Execution(
        decided,
        connect,
        LocalShelf(layout),
        on_happening=tell,
        on_event=take,
        wait=ticking(wait, progress),
        persist=persist,
        parallel=parallel,
    )
    try:
        return execution.run(timeout_seconds=timeout_seconds)
    finally:
        progress.close()
        _warn_of(skipped, warn)


def _warn_of(skipped: Iterable[Happening], warn: Callable[[str], None]) -> None:
    for happening in skipped:
        warn(told(happening))


def _news(happening: Happening, records_by_id: Mapping[str, ContainerRecord]) -> Iterator[Report]:
    """What there is to tell of a step, with why a stop will take long."""
    report = report_of(happening)
    action = happening.step.action
    if report and happening.phase == "begun" and isinstance(action, StopContainer) and action.id in records_by_id:
        report = report._replace(detail=deafness(records_by_id[action.id], action.grace_seconds))
    if report:
        yield report


def _tell_all(progress: Progress, names: Iterable[str], word: str) -> None:
    """Tells of containers about which nothing is to be done."""
    for name in names:
        progress.report(Report(f"Container {name}", word, over=True))


def _why_waiting(event: Event, awaited: Container[str]) -> str:
    """What keeps a container from becoming what it is waited for to be, though it still may; empty for no news."""
    state = event.record.state if event.record else None
    if state is None or event.container_id not in awaited:
        return ""
    if event.action == "health" and state.failure and state.health == "starting":
        return f"its health check cannot run: {state.failure}"
    if event.action == "die" and state.status == "restarting":
        ended = "ended" if state.exit_code is None else f"exited ({state.exit_code})"
        return f"it {ended} and is started again (restart {state.restarts + 1})"
    return ""


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
