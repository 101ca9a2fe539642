"""Containers in namespaces of the host and of one another, as /proc/PID/ns tells."""

import os
from pathlib import Path

import pytest

from engine.cgroups import Cgroups
from engine.enter import Entry, enter, read_outcome
from engine.errors import RequestError
from engine.processes import kill_and_reap
from engine.protocol import Kill, Start, Stop
from engine.spec import Namespaces, Process
from engine.state import ContainerRecord
from tests.kernel.supervisor.conftest import LAYER, Driver

pytestmark = pytest.mark.root

KINDS = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")
WEB = "container:shop-web-1"


def _namespaces(driver: Driver, container: str) -> dict[str, str]:
    process = driver.state(container).process
    assert process is not None
    return {kind: str(Path(f"/proc/{process.pid}/ns/{kind}").readlink()) for kind in KINDS}


def _common(one: dict[str, str], other: dict[str, str]) -> set[str]:
    return {kind for kind in KINDS if one[kind] == other[kind]}


HOST = {kind: str(Path(f"/proc/self/ns/{kind}").readlink()) for kind in KINDS}


@pytest.mark.parametrize(
    ("namespaces", "shared"),
    [
        (Namespaces(), set()),
        (Namespaces(pid="host"), {"pid"}),
        (Namespaces(ipc="host"), {"ipc"}),
        (Namespaces(ipc="none"), set()),
        (Namespaces(uts="host"), {"uts"}),
        (Namespaces(cgroup="host"), {"cgroup"}),
        (Namespaces(user="host"), {"user"}),
        (Namespaces(pid="host", ipc="host", uts="host", cgroup="host", user="host"), {*KINDS} - {"mnt", "net"}),
    ],
)
def test_a_container_shares_with_the_host_what_it_says(
    driver: Driver, namespaces: Namespaces, shared: set[str]
) -> None:
    hostname = os.uname().nodename
    container = driver.start("web", "echo up; sleep 1000", namespaces=namespaces)
    driver.expect(container, "up")
    assert _common(_namespaces(driver, container), HOST) == shared
    assert os.uname().nodename == hostname
    assert Path("/proc/sys/user/max_user_namespaces").read_text() != "0\n"


def test_the_hosts_processes_are_seen_but_are_nobodys_to_end(driver: Driver) -> None:
    script = f"kill -0 {os.getpid()} && echo mine; [ -d /proc/{os.getpid()} ] && echo seen; sleep 1000"
    container = driver.start("web", script, namespaces=Namespaces(pid="host"))
    driver.expect(container, "seen")
    assert "mine" not in driver.output(container)


def test_processes_are_shared_with_another_container_together_with_its_users(driver: Driver) -> None:
    web = driver.start("web", "echo up; sleep 1000")
    driver.expect(web, "up")
    script = "ps -o pid,args; kill -TERM 1 2>&1; echo done; sleep 1000"
    sharer = driver.start("side", script, namespaces=Namespaces(pid=WEB))
    driver.expect(sharer, "done")
    assert _common(_namespaces(driver, web), _namespaces(driver, sharer)) == {"pid", "user"}
    said = [line.split() for line in driver.output(sharer)]
    assert ["1", "sleep", "1000"] in said
    assert not any("kill" in words[0] for words in said)
    assert driver.state(sharer).first_id == driver.state(web).first_id


def test_memory_is_shared_with_another_container(driver: Driver) -> None:
    web = driver.start("web", "echo hello >/dev/shm/said; echo up; sleep 1000")
    driver.expect(web, "up")
    script = "cat /dev/shm/said; echo x >/dev/shm/back; echo $?; sleep 1000"
    sharer = driver.start("side", script, namespaces=Namespaces(ipc=WEB))
    driver.expect(sharer, "hello")
    driver.expect(sharer, "0")
    assert _common(_namespaces(driver, web), _namespaces(driver, sharer)) == {"ipc", "user"}


def test_every_namespace_of_another_container_at_once(driver: Driver) -> None:
    web = driver.start("web", "echo up; sleep 1000")
    driver.expect(web, "up")
    namespaces = Namespaces(pid=WEB, ipc=WEB, network=WEB)
    sharer = driver.start("side", "echo up; sleep 1000", namespaces=namespaces, endpoints=())
    driver.expect(sharer, "up")
    assert _common(_namespaces(driver, web), _namespaces(driver, sharer)) == {"pid", "ipc", "net", "user"}


def test_who_shares_the_processes_of_one_that_ends_ends_as_well(driver: Driver) -> None:
    web = driver.start("web", "echo up; sleep 1000")
    driver.expect(web, "up")
    sharer = driver.start("side", "echo up; sleep 1000", namespaces=Namespaces(pid=WEB))
    driver.expect(sharer, "up")
    driver.ask(Kill(id=web, signal="SIGKILL"))
    assert driver.wait(sharer).exit_code == 137
    assert driver.wait(web).exit_code == 137


def test_what_a_sharer_leaves_among_the_processes_of_others_ends_with_it(driver: Driver) -> None:
    web = driver.start("web", "echo up; sleep 1000")
    driver.expect(web, "up")
    sharer = driver.start("side", "sleep 4321 & echo up; sleep 1000", namespaces=Namespaces(pid=WEB))
    driver.expect(sharer, "up")
    driver.ask(Stop(id=sharer, grace_seconds=0))
    process = driver.state(web).process
    assert process is not None
    pids = Path(f"/proc/{process.pid}/root/proc").iterdir()
    lines = [(place / "cmdline").read_bytes() for place in pids if place.name.isdigit()]
    assert not [line for line in lines if b"4321" in line]


def test_sharers_are_taken_over_by_the_next_supervisor(driver: Driver) -> None:
    web = driver.start("web", "echo up; sleep 1000")
    driver.expect(web, "up")
    sharer = driver.start("side", "echo up; sleep 1000", namespaces=Namespaces(pid=WEB))
    driver.expect(sharer, "up")
    driver.kill_supervisor()
    driver.take_over()
    assert driver.state(sharer).status == "running"
    driver.ask(Kill(id=web, signal="SIGKILL"))
    assert driver.wait(sharer).exit_code == 137
    assert driver.wait(web).exit_code == 137


def test_programs_that_are_run_inside_are_where_the_container_is(driver: Driver) -> None:
    """As `exec` and health probes do it."""
    web = driver.start("web", "echo up; sleep 1000")
    driver.expect(web, "up")
    for name, namespaces in (("one", Namespaces(pid=WEB, ipc=WEB)), ("two", Namespaces(pid="host", user="host"))):
        sharer = driver.start(name, "echo up; sleep 1000", namespaces=namespaces)
        driver.expect(sharer, "up")
        record = {each.spec.id: each for each in driver.picture().containers}[sharer]
        assert _ran_inside(driver, record) == _namespaces(driver, sharer)


def _ran_inside(driver: Driver, record: ContainerRecord) -> dict[str, str]:
    assert record.state.process is not None
    reading, writing = os.pipe()
    null = os.open(os.devnull, os.O_RDWR)
    pidfd = os.pidfd_open(record.state.process.pid)
    entered = enter(
        Entry(
            process=Process(argv=("sh", "-c", "echo; sleep 1000")),
            container=pidfd,
            spec=record.spec,
            first_id=record.state.first_id,
            cgroup=Cgroups(driver.stack.label).find(record.spec.id),
            stdin=null,
            stdout=writing,
            stderr=writing,
        )
    )
    os.close(writing)
    try:
        assert read_outcome(entered.outcome_fd) is None
        assert os.read(reading, 1) == b"\n"
        return {kind: str(Path(f"/proc/{entered.pid}/ns/{kind}").readlink()) for kind in KINDS}
    finally:
        kill_and_reap(entered.pidfd)
        for fd in (entered.pidfd, reading, null, pidfd):
            os.close(fd)


def test_a_container_whose_partner_does_not_run_says_so(driver: Driver) -> None:
    container = driver.create("side", "true", namespaces=Namespaces(pid=WEB))
    with pytest.raises(RequestError, match="shop-side-1 cannot share the pid namespace of shop-web-1, which does not"):
        driver.ask(Start(id=container))


def test_an_init_reaps_among_the_processes_of_others(driver: Driver) -> None:
    web = driver.start("web", "echo up; sleep 1000")
    driver.expect(web, "up")
    sharer = driver.start("side", "exit 7", namespaces=Namespaces(pid=WEB), init=True)
    assert driver.wait(sharer).exit_code == 7


def test_with_the_hosts_ids_no_program_is_run_through_a_link_of_proc(driver: Driver) -> None:
    """Else the program would be the supervisor's own, which the container could write to."""
    programs = driver.stack.roots.images / "layers" / LAYER / "tree" / "bin"
    (programs / "link").symlink_to("/proc/self/exe")
    (programs / "script").write_text("#!/proc/self/exe\n")
    (programs / "script").chmod(0o755)
    for name in ("link", "script"):
        process = Process(argv=(f"/bin/{name}",))
        container = driver.create(name, "", process=process, namespaces=Namespaces(user="host"))
        with pytest.raises(RequestError, match="it is a link into /proc"):
            driver.ask(Start(id=container))
