"""One container takes another's place under its names and on its port."""

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.errors import RequestError
from engine.protocol import Admit, Done, Kill, Rename, Rest, Retire, Start, Watch
from engine.spec import HealthProbe, RestartPolicy
from engine.state import ContainerRecord
from net.spec import PublishedPort
from tests.kernel.supervisor.conftest import Driver
from tests.ports import free_port

pytestmark = pytest.mark.root

SERVER = "nc -ll -p 80 -e echo {}"


def said(port: int) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        return client.recv(16).decode().strip()


def published(port: int) -> dict[str, object]:
    return {"service": "web", "ports": (PublishedPort(container_port=80, host_port=port),)}


def start_aside(driver: Driver, name: str, script: str, **fields: object) -> str:
    return driver.ask(Start(id=driver.create(name, script, **fields), aside=True)).spec.id


def test_a_container_that_stands_aside_is_led_to_from_when_it_listens(driver: Driver) -> None:
    port = free_port()
    old = start_aside(driver, "old", SERVER.format("old"), **published(port))
    driver.ask(Admit(id=old))
    new = start_aside(driver, "new", f"usleep 300000; {SERVER.format('new')}", **published(port))
    assert {said(port) for _ in range(4)} == {"old"}
    assert driver.state(new).ports == ()

    assert driver.ask(Admit(id=new)).state.ports[0].host_port == port
    assert {said(port) for _ in range(4)} == {"old", "new"}
    driver.ask(Retire(id=old))
    assert {said(port) for _ in range(4)} == {"new"}
    assert driver.state(old).status == "running"


def test_a_container_with_a_health_check_is_let_in_once_it_is_healthy_and_not_if_it_never_is(driver: Driver) -> None:
    probe = HealthProbe(argv=("false",), interval_seconds=0.05, retries=2)
    broken = start_aside(driver, "broken", "exec sleep 1000", health=probe)
    with pytest.raises(RequestError, match="container shop-broken-1 is unhealthy"):
        driver.ask(Admit(id=broken))
    assert driver.state(broken).aside
    well = start_aside(driver, "well", "exec sleep 1000", health=HealthProbe(argv=("true",), interval_seconds=0.05))
    assert not driver.ask(Admit(id=well)).state.aside


def test_one_that_ends_meanwhile_is_not_let_in_and_its_policy_does_not_change_that(driver: Driver) -> None:
    port = free_port()
    always = RestartPolicy(condition="always", delay_seconds=0.01)
    crashing = start_aside(driver, "new", "usleep 50000; exit 3", restart=always, **published(port))
    with pytest.raises(RequestError, match=r"container shop-new-1 exited \(3\)"):
        driver.ask(Admit(id=crashing))
    assert driver.state(crashing).aside


def test_connections_that_last_are_waited_for(driver: Driver) -> None:
    port = free_port()
    old = start_aside(driver, "old", "nc -ll -p 80 -e cat", **published(port))
    driver.ask(Admit(id=old))
    with ThreadPoolExecutor(1) as pool, socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(b"one")
        assert client.recv(3) == b"one"
        number = driver.client.send(Retire(id=old, drain_seconds=30))
        answer = pool.submit(driver.client.receive)
        client.sendall(b"two")
        assert client.recv(3) == b"two"
        assert not answer.done()
        client.shutdown(socket.SHUT_RDWR)
        client.close()
        assert answer.result(10)[0] == number


def test_retirement_outlives_the_supervisor_and_can_be_taken_back(driver: Driver) -> None:
    port = free_port()
    web = start_aside(driver, "web", SERVER.format("here"), **published(port))
    driver.ask(Admit(id=web))
    driver.ask(Retire(id=web))
    driver.kill_supervisor()
    driver.take_over()
    assert driver.state(web).aside
    with pytest.raises(OSError):  # noqa: PT011 - refused or reset
        said(port)
    driver.ask(Admit(id=web))
    assert said(port) == "here"


def test_a_container_is_renamed_unless_the_name_is_taken(driver: Driver) -> None:
    one, two = driver.create("one", "true"), driver.create("two", "true")
    with pytest.raises(RequestError, match="the name shop-two-1 is taken"):
        driver.ask(Rename(id=one, name="shop-two-1"))
    assert driver.ask(Rename(id=one, name="shop-three-1")).spec.name == "shop-three-1"
    driver.kill_supervisor()
    driver.take_over()
    names = {record.spec.id: record.spec.name for record in driver.picture().containers}
    assert names == {one: "shop-three-1", two: "shop-two-1"}


def test_a_watch_lasts_as_long_as_nothing_goes_wrong(driver: Driver) -> None:
    well = driver.start("well", "exec sleep 1000")
    watched = driver.ask(Watch(id=well, seconds=0.05))
    assert isinstance(watched, ContainerRecord)
    assert driver.client.ask(Rest(seconds=0.01)) == Done()
    number = driver.client.send(Watch(id=well, seconds=60))
    driver.client.send(Kill(id=well))
    replies = dict(driver.client.receive() for _ in range(2))
    assert getattr(replies[number], "message", "") == "container shop-well-1 exited (137)"
