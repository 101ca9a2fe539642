"""kill -9 of the supervisor costs nothing: the next one goes on where it was cut off."""

import os
import signal

import pytest

from engine.logreader import read
from engine.protocol import Start, Stop
from engine.spec import HealthProbe, RestartPolicy
from tests.kernel.supervisor.conftest import Driver, wait_for_end, wait_for_file

pytestmark = pytest.mark.root

COUNTING = "trap 'exit 6' TERM; n=0; while :; do echo $n; n=$((n+1)); usleep 2000; done"


def pidfd_of(driver: Driver, container: str) -> int:
    process = driver.state(container).process
    assert process is not None
    return os.pidfd_open(process.pid)


def test_a_running_container_runs_on_and_loses_no_line(driver: Driver) -> None:
    container = driver.start("web", COUNTING)
    before = driver.state(container)
    driver.expect(container, "0")
    for _ in range(3):
        driver.kill_supervisor()
        driver.take_over()
    after = driver.state(container)
    assert after.process == before.process
    assert (after.status, after.restarts) == ("running", 0)
    assert driver.ask(Stop(id=container)).state.exit_code == 6
    output = driver.output(container)
    assert output == [str(number) for number in range(len(output))]
    times = [line.time_ns for line in read(driver.stack.data(container))]
    assert times == sorted(times)


def test_what_is_printed_while_nobody_reads_is_logged_later(driver: Driver) -> None:
    script = "trap 'seq 100; echo > /done' USR1; echo ready; while :; do usleep 5000; done"
    container = driver.start("web", script)
    driver.expect(container, "ready")
    pidfd = pidfd_of(driver, container)
    driver.kill_supervisor()
    signal.pidfd_send_signal(pidfd, signal.SIGUSR1)
    wait_for_file(driver.stack.data(container) / "upper" / "done")
    os.close(pidfd)
    driver.take_over()
    driver.ask(Stop(id=container, grace_seconds=0))
    assert driver.output(container) == ["ready", *(str(number) for number in range(1, 101))]


def test_the_exit_code_of_a_container_that_ended_unwatched_is_known(driver: Driver) -> None:
    container = driver.start("web", "trap 'exit 42' TERM; echo ready; while :; do usleep 5000; done")
    killed = driver.start("killed", "exec sleep 1000")
    driver.expect(container, "ready")
    pidfds = [pidfd_of(driver, container), pidfd_of(driver, killed)]
    driver.kill_supervisor()
    signal.pidfd_send_signal(pidfds[0], signal.SIGTERM)
    signal.pidfd_send_signal(pidfds[1], signal.SIGKILL)
    for pidfd in pidfds:
        wait_for_end(pidfd)
        os.close(pidfd)
    driver.take_over()
    state = driver.state(container)
    assert (state.status, state.exit_code, state.process) == ("exited", 42, None)
    assert driver.state(killed).exit_code == 137


def test_a_container_that_ends_after_the_takeover_tells_its_exit_code(driver: Driver) -> None:
    container = driver.start("web", "trap 'exit 43' TERM; echo ready; while :; do usleep 5000; done")
    driver.expect(container, "ready")
    driver.kill_supervisor()
    driver.take_over()
    assert driver.ask(Stop(id=container)).state.exit_code == 43


def test_a_container_that_ended_unwatched_is_restarted_by_its_policy(driver: Driver) -> None:
    container = driver.start("web", "exec sleep 1000", restart=RestartPolicy(condition="always"))
    pidfd = pidfd_of(driver, container)
    driver.kill_supervisor()
    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    wait_for_end(pidfd)
    os.close(pidfd)
    driver.take_over()
    assert driver.wait(container, "started").restarts in {0, 1}
    assert driver.ask(Start(id=container)).state.status == "running"


def test_health_goes_on(driver: Driver) -> None:
    probe = HealthProbe(argv=("cat", "/healthy"), interval_seconds=0.05, retries=1)
    container = driver.start("web", "echo > /healthy; exec sleep 1000", health=probe)
    driver.wait(container, "healthy")
    driver.kill_supervisor()
    driver.take_over()
    assert driver.state(container).health == "healthy"
    driver.wait(container, "healthy")


def test_a_stopped_container_stays_stopped(driver: Driver) -> None:
    container = driver.start("web", "exec sleep 1000", restart=RestartPolicy(condition="always"))
    driver.ask(Stop(id=container, grace_seconds=0))
    driver.kill_supervisor()
    driver.take_over()
    state = driver.state(container)
    assert (state.status, state.exit_code, state.stopped_by_user) == ("exited", 137, True)


def test_a_damaged_state_ends_that_container_and_no_other(driver: Driver) -> None:
    damaged = driver.start("damaged", "exec sleep 1000")
    sound = driver.start("sound", "exec sleep 1000")
    pidfd = pidfd_of(driver, damaged)
    driver.kill_supervisor()
    (driver.stack.container(damaged) / "state.json").write_bytes(b"\0" * 100)
    driver.take_over()
    wait_for_end(pidfd)
    os.close(pidfd)
    assert driver.state(damaged).status == "created"
    assert driver.state(sound).status == "running"
    assert "state.json" in driver.stack.supervisor_log.read_text()
    assert driver.ask(Start(id=damaged)).state.status == "running"


def test_a_damaged_spec_costs_one_container_and_leaves_nothing_after_down(driver: Driver) -> None:
    damaged = driver.start("damaged", "exec sleep 1000")
    sound = driver.start("sound", "exec sleep 1000")
    pidfd = pidfd_of(driver, damaged)
    driver.kill_supervisor()
    (driver.stack.container(damaged) / "spec.json").write_bytes(b"{")
    driver.take_over()
    wait_for_end(pidfd)
    os.close(pidfd)
    assert [record.spec.id for record in driver.picture().containers] == [sound]


def test_a_state_file_that_somebody_removed_is_written_again(driver: Driver) -> None:
    container = driver.start("web", "exec sleep 1000")
    path = driver.stack.container(container) / "state.json"
    before = path.read_bytes()
    path.unlink()
    driver.picture()
    assert path.read_bytes() == before
