"""A plan carried out over a supervisor on paper."""

from collections import deque

import pytest

from compose.deciding.steps import (
    Action,
    Await,
    Close,
    CreateVolume,
    Plan,
    RemoveContainer,
    StartContainer,
    Step,
    StopContainer,
)
from compose.doing.execute import MOST_IN_FLIGHT, Execution, Happening
from compose.errors import StackError
from engine.errors import SupervisorError, VolumeError
from engine.protocol import Done, Event, Failure, Reply, Request, Start, Wait


class PaperSupervisor:
    """Answers requests in their order, when it is read; `answers` by container id, Done for the rest."""

    def __init__(self, answers: dict[str, Reply] | None = None, silent: tuple[str, ...] = ()) -> None:
        self.answers = answers or {}
        self.silent = silent
        self.requests: list[Request] = []
        self.most_waiting = 0
        self.greeted = 0
        self.patience_seconds = 10.0
        self._replies: deque[tuple[int, Reply]] = deque()

    @property
    def pending(self) -> bool:
        return bool(self._replies)

    def fileno(self) -> int:
        raise AssertionError("nobody waits on paper")

    def greet(self) -> None:
        self.greeted += 1

    def send(self, request: Request) -> int:
        self.requests.append(request)
        key = getattr(request, "id", "")
        if key not in self.silent:
            self._replies.append((len(self.requests), self.answers.get(key, Done())))
        self.most_waiting = max(self.most_waiting, len(self._replies))
        return len(self.requests)

    def receive(self) -> tuple[int, Reply]:
        return self._replies.popleft()


class PaperShelf:
    def __init__(self, broken: str = "") -> None:
        self.broken = broken
        self.done: list[str] = []

    def create_volume(self, name: str, labels: dict[str, str], _options: dict[str, str]) -> None:
        if name == self.broken:
            raise VolumeError(f"cannot make the volume {name}")
        self.done.append(f"create {name} {labels}")

    def remove_volume(self, name: str) -> None:
        self.done.append(f"remove {name}")

    def remove_image(self, name: str) -> None:
        self.done.append(f"untag {name}")


def step(action: Action, *needs: str, after: tuple[str, ...] = ()) -> Step:
    return Step(key=action.name, action=action, cause="", needs=needs, after=after)  # type: ignore[union-attr]


def start(name: str) -> StartContainer:
    return StartContainer(id=name, name=name)


def run(
    *steps: Step,
    supervisor: PaperSupervisor | None = None,
    shelf: PaperShelf | None = None,
    persist: bool = False,
    timeout_seconds: float | None = None,
) -> tuple[list[tuple[str, str]], tuple[Happening, ...]]:
    told: list[tuple[str, str]] = []
    peer = supervisor or PaperSupervisor()
    execution = Execution(
        Plan(stack="shop", steps=steps),
        lambda: peer,
        shelf or PaperShelf(),
        on_happening=lambda happening: told.append((happening.phase, happening.step.key)),
        wait=lambda supervisor, _seconds: supervisor.pending,
        persist=persist,
    )
    failed = execution.run(timeout_seconds=timeout_seconds)
    return told, failed


def test_a_step_begins_when_all_that_it_needs_is_done() -> None:
    told, failed = run(step(start("a")), step(start("b"), "a"), step(start("c")))

    assert failed == ()
    assert told == [
        ("begun", "a"),
        ("begun", "c"),
        ("done", "a"),
        ("begun", "b"),
        ("done", "c"),
        ("done", "b"),
    ]


def test_after_a_failure_what_runs_is_finished_and_nothing_else_begins() -> None:
    supervisor = PaperSupervisor({"a": Failure(message="no such program", hint="look", exit_code=127)})
    told, failed = run(step(start("a")), step(start("b")), step(start("c"), "b"), supervisor=supervisor)

    assert told == [("begun", "a"), ("begun", "b"), ("failed", "a"), ("done", "b"), ("skipped", "c")]
    assert [(each.message, each.hint, each.exit_code) for each in failed] == [("no such program", "look", 127)]


def test_one_that_persists_leaves_out_only_what_needed_the_failed_step() -> None:
    supervisor = PaperSupervisor({"a": Failure(message="no")})
    told, failed = run(
        step(StopContainer(id="a", name="a")),
        step(RemoveContainer(id="b", name="b"), "a"),
        step(RemoveContainer(id="c", name="c"), after=("a",)),
        supervisor=supervisor,
        persist=True,
    )
    assert told == [("begun", "a"), ("failed", "a"), ("skipped", "b"), ("begun", "c"), ("done", "c")]
    assert len(failed) == 1


def test_health_is_no_longer_awaited_once_something_failed() -> None:
    supervisor = PaperSupervisor({"a": Failure(message="no")}, silent=("db",))
    _, failed = run(step(Await(id="db", name="db", condition="healthy")), step(start("a")), supervisor=supervisor)

    assert [each.step.key for each in failed] == ["a"]


def test_waiting_ends_with_its_time() -> None:
    supervisor = PaperSupervisor(silent=("db",))

    with pytest.raises(StackError, match="application not healthy after 5s") as caught:
        run(step(Await(id="db", name="db", condition="healthy")), supervisor=supervisor, timeout_seconds=5)
    assert caught.value.hint == "still waiting for: db"


def test_volumes_are_made_here_and_their_failures_told() -> None:
    shelf = PaperShelf(broken="bad")
    _, failed = run(
        step(CreateVolume(name="good", labels={"a": "b"})), step(CreateVolume(name="bad", labels={})), shelf=shelf
    )
    assert shelf.done == ["create good {'a': 'b'}"]
    assert [each.message for each in failed] == ["cannot make the volume bad"]


def test_nobody_is_connected_to_for_what_needs_no_supervisor() -> None:
    def refuse() -> PaperSupervisor:
        raise AssertionError("no supervisor is needed")

    execution = Execution(
        Plan(stack="shop", steps=(step(CreateVolume(name="v", labels={})),)),
        refuse,
        PaperShelf(),
        on_happening=lambda _happening: None,
    )
    assert execution.run() == ()


def test_requests_go_out_together_but_not_without_bound() -> None:
    supervisor = PaperSupervisor()
    run(*(step(start(f"c{number}")) for number in range(200)), supervisor=supervisor)

    assert len(supervisor.requests) == 200
    assert supervisor.most_waiting == MOST_IN_FLIGHT


def test_waits_do_not_keep_others_from_being_asked() -> None:
    names = tuple(f"w{number}" for number in range(100))
    supervisor = PaperSupervisor(dict.fromkeys(names, Done()))
    run(
        *(step(Await(id=name, name=name, condition="healthy")) for name in names),
        step(start("last")),
        supervisor=supervisor,
    )
    kinds = [type(request) for request in supervisor.requests]
    assert kinds == [Wait] * 100 + [Start]
    assert supervisor.most_waiting == 101


def test_events_are_handed_on() -> None:
    supervisor = PaperSupervisor()
    news = Event(time_ns=1, action="die", container_id="x", container_name="x", service="x")
    supervisor._replies.append((0, news))
    heard: list[Event] = []
    execution = Execution(
        Plan(stack="shop", steps=(step(Close(name="shop")),)),
        lambda: supervisor,
        PaperShelf(),
        on_happening=lambda _happening: None,
        on_event=heard.append,
        wait=lambda peer, _seconds: peer.pending,
    )
    execution.run()
    assert heard == [news]


def test_a_silent_supervisor_is_greeted_as_long_as_it_is_waited_for() -> None:
    class Slow(PaperSupervisor):
        def greet(self) -> None:
            super().greet()
            if self.greeted == 2:
                self._replies.append((1, Done()))

    supervisor = Slow(silent=("web",))
    run(step(start("web")), supervisor=supervisor)
    assert (supervisor.requests, supervisor.greeted) == ([Start(id="web")], 2)


def test_a_supervisor_that_answers_no_greeting_is_given_up() -> None:
    class Deaf(PaperSupervisor):
        def greet(self) -> None:
            raise SupervisorError("the supervisor does not answer")

    with pytest.raises(SupervisorError, match="does not answer"):
        run(step(start("web")), supervisor=Deaf(silent=("web",)))
