"""A container's life under its supervisor: created, started, ended, stopped, removed."""

import contextlib
import os
import signal
from pathlib import Path

import pytest

from engine import programs
from engine.client import connect
from engine.errors import RequestError
from engine.protocol import Create, Done, Event, Kill, Remove, Shutdown, Start, Stop, Subscribe
from engine.spec import Limits, Process, RestartPolicy
from tests.kernel.supervisor.conftest import Driver

pytestmark = pytest.mark.root

SLEEP = "exec sleep 1000"
OBEDIENT = "trap 'echo bye; exit 4' TERM; echo ready; while :; do usleep 20000; done"


def test_a_container_runs_prints_and_ends_with_its_exit_code(driver: Driver) -> None:
    container = driver.start("web", "echo out; echo err >&2; exit 3")
    state = driver.wait(container)
    assert (state.status, state.exit_code, state.process, state.oom_killed) == ("exited", 3, None, False)
    assert sorted(driver.output(container)) == ["err", "out"]


def test_a_created_container_has_an_address_and_no_process(driver: Driver) -> None:
    state = driver.state(driver.create("web", SLEEP))
    assert state.status == "created"
    assert state.process is None
    assert [attachment.interface for attachment in state.attachments] == ["eth0"]


def test_a_running_container_has_the_address_that_it_was_given(driver: Driver) -> None:
    container = driver.start("web", "cat /etc/hosts")
    address = driver.wait(container).attachments[0].address
    assert f"{address}\tweb" in driver.output(container)


def test_a_program_that_is_missing_fails_the_start_with_127(driver: Driver) -> None:
    container = driver.create("web", "", process=Process(argv=("ngix",)))
    with pytest.raises(RequestError, match="ngix") as caught:
        driver.ask(Start(id=container))
    assert caught.value.exit_code == 127
    state = driver.state(container)
    assert (state.status, state.exit_code) == ("exited", 127)
    assert "ngix" in state.failure


def test_stop_sends_the_stop_signal(driver: Driver) -> None:
    container = driver.start("web", OBEDIENT)
    driver.expect(container, "ready")
    driver.ask(Stop(id=container))
    assert driver.state(container).exit_code == 4
    assert driver.output(container) == ["ready", "bye"]


def test_a_container_that_no_signal_could_stop_is_not_made(driver: Driver) -> None:
    with pytest.raises(RequestError, match="could never be stopped: there is no signal SIGNOPE"):
        driver.create("web", "", stop_signal="SIGNOPE")
    assert not driver.stack.containers.exists() or list(driver.stack.containers.iterdir()) == []


def test_stop_kills_what_does_not_obey(driver: Driver) -> None:
    container = driver.start("web", "trap '' TERM; echo ready; sleep 1000")
    driver.expect(container, "ready")
    state = driver.ask(Stop(id=container, grace_seconds=0.1)).state
    assert (state.status, state.exit_code, state.stopped_by_user) == ("exited", 137, True)


def test_kill_sends_any_signal(driver: Driver) -> None:
    container = driver.start("web", "trap 'exit 9' USR1; echo ready; while :; do usleep 20000; done")
    driver.expect(container, "ready")
    driver.ask(Kill(id=container, signal="USR1"))
    assert driver.wait(container).exit_code == 9
    with pytest.raises(RequestError, match="is not running"):
        driver.ask(Kill(id=container))


def test_starting_a_running_container_changes_nothing(driver: Driver) -> None:
    container = driver.start("web", SLEEP)
    before = driver.state(container)
    assert driver.ask(Start(id=container)).state == before


def test_an_ended_container_can_be_started_again_and_keeps_its_files(driver: Driver) -> None:
    container = driver.start("web", "cat /kept; echo first > /kept")
    driver.wait(container)
    driver.ask(Start(id=container))
    driver.wait(container)
    assert driver.output(container)[-1] == "first"


def test_creating_an_equal_container_again_gives_it_back_and_a_taken_name_is_refused(driver: Driver) -> None:
    container = driver.create("web", SLEEP)
    spec = driver.picture().containers[0].spec
    assert driver.ask(Create(spec=spec)).spec.id == container
    with pytest.raises(RequestError, match="the name shop-web-1 is taken"):
        driver.create("web", SLEEP)


def test_a_running_container_cannot_be_removed_an_ended_one_leaves_nothing(driver: Driver) -> None:
    container = driver.start("web", "echo hello > /file; " + SLEEP)
    with pytest.raises(RequestError, match="is running"):
        driver.client.ask(Remove(id=container))
    driver.ask(Stop(id=container, grace_seconds=0))
    assert driver.client.ask(Remove(id=container)) == Done()
    assert not driver.stack.container(container).exists()
    assert not driver.stack.data(container).exists()


def test_remove_can_keep_the_data(driver: Driver) -> None:
    container = driver.start("web", "echo hello > /file")
    driver.wait(container)
    driver.client.ask(Remove(id=container, keep_data=True))
    data = driver.stack.data(container)
    assert (data / "upper" / "file").read_text() == "hello\n"
    assert {path.name for path in data.iterdir()} >= {"upper", "work"}
    for path in sorted(data.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    data.rmdir()


def test_a_stack_with_containers_is_not_shut_down(driver: Driver) -> None:
    driver.create("web", SLEEP)
    with pytest.raises(RequestError, match="still has containers: shop-web-1"):
        driver.client.ask(Shutdown())


def test_running_out_of_memory_is_told(driver: Driver) -> None:
    greedy = "x=a; while :; do x=$x$x$x$x; done"
    container = driver.start("web", greedy, limits=Limits(memory_bytes=16 << 20))
    state = driver.wait(container)
    assert (state.exit_code, state.oom_killed) == (137, True)


def test_a_failing_container_is_started_again_until_its_retries_are_used_up(driver: Driver) -> None:
    container = driver.start("web", "echo once; exit 5", restart=RestartPolicy(condition="on-failure", max_retries=2))
    state = driver.wait(container)
    assert (state.status, state.exit_code, state.restarts) == ("exited", 5, 2)
    assert driver.output(container) == ["once"] * 3


def test_a_container_that_is_restarted_can_be_stopped_between_two_attempts(driver: Driver) -> None:
    container = driver.start("web", "exit 1", restart=RestartPolicy(condition="always"))
    assert driver.ask(Stop(id=container)).state.stopped_by_user
    state = driver.wait(container)
    assert state.status == "exited"


def test_a_restarted_container_keeps_its_address(driver: Driver) -> None:
    policy = RestartPolicy(condition="on-failure", max_retries=1)
    container = driver.start("web", "cat /etc/hosts; exit 1", restart=policy)
    driver.wait(container)
    assert len(set(driver.output(container)[2::3])) == 1


def test_events_tell_every_change_in_order(driver: Driver) -> None:
    with connect(driver.stack, spawn=False) as listener:
        listener.ask(Subscribe())
        container = driver.start("web", "exit 0")
        driver.wait(container)
        driver.client.ask(Remove(id=container))
        actions = []
        while "remove" not in actions:
            number, event = listener.receive()
            assert number == 0
            assert isinstance(event, Event)
            actions.append(event.action)
    assert actions == ["create", "start", "die", "remove"]


def test_a_flood_of_output_keeps_nobody_else_from_being_served(driver: Driver) -> None:
    noisy = driver.start("noisy", "yes " + "x" * 200)
    quiet = driver.start("quiet", "echo hello")
    assert driver.wait(quiet).exit_code == 0
    assert driver.output(quiet) == ["hello"]
    driver.ask(Stop(id=noisy, grace_seconds=0))
    assert sum(path.stat().st_size for path in driver.stack.data(noisy).glob("log*")) <= 50 << 20


def test_thirty_starts_at_once_all_succeed_and_no_descriptor_is_lost(driver: Driver) -> None:
    def descriptors() -> int:
        return len(list(Path(f"/proc/{driver.pid}/fd").iterdir()))

    ids = [driver.create(f"s{number}", SLEEP) for number in range(30)]
    before = descriptors()
    numbers = {driver.client.send(Start(id=container)) for container in ids}
    while numbers:
        numbers.discard(driver.client.receive()[0])
    assert {record.state.status for record in driver.picture().containers} == {"running"}
    each = (descriptors() - before) / 30
    assert each <= 8
    numbers = {driver.client.send(Stop(id=container, grace_seconds=0)) for container in ids}
    while numbers:
        numbers.discard(driver.client.receive()[0])
    assert descriptors() <= before + 2


def test_the_end_of_the_first_process_ends_what_it_left_running(driver: Driver) -> None:
    container = driver.start("web", "sleep 1000 & echo started")
    driver.wait(container)
    with contextlib.suppress(FileNotFoundError):
        for path in Path("/sys/fs/cgroup").glob(f"*/windlass/{driver.stack.label}/{container[:12]}/cgroup.procs"):
            assert path.read_text() == ""


def test_a_container_killed_from_outside_is_known_to_have_been_killed(driver: Driver) -> None:
    container = driver.start("web", SLEEP)
    process = driver.state(container).process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    assert driver.wait(container).exit_code == 137


def test_what_was_removed_half_way_is_not_started_again_but_can_be_removed(driver: Driver) -> None:
    container = driver.create("web", SLEEP)
    upper = driver.stack.data(container) / "upper"
    programs.run(["mount", "-t", "tmpfs", "none", str(upper)])
    try:
        with pytest.raises(RequestError, match="cannot be removed"):
            driver.client.ask(Remove(id=container))
        with pytest.raises(RequestError, match="its removal failed half way"):
            driver.client.ask(Start(id=container))
    finally:
        programs.run(["umount", str(upper)])
    assert driver.client.ask(Remove(id=container)) == Done()
