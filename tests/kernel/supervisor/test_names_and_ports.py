"""What containers of a stack find each other by, and what the host reaches them by."""

import socket
import subprocess
import time

import pytest

from engine.errors import RequestError
from engine.protocol import EnsureNetwork, Kill, Start, Stop
from net.spec import Endpoint, NetworkSpec, PublishedPort
from tests.kernel.supervisor.conftest import Driver

pytestmark = pytest.mark.root

INSIDE = (Endpoint(network="shop_inside", aliases=("database",)),)


def start_inside(driver: Driver, name: str, script: str = "exec sleep 1000", **fields: object) -> str:
    """Starts a container on a network that leads nowhere, so that no question of a test leaves this machine."""
    driver.client.ask(EnsureNetwork(spec=NetworkSpec(name="shop_inside", internal=True)))
    return driver.start(name, script, **{"endpoints": INSIDE, **fields})


def look_up(driver: Driver, name: str, **fields: object) -> list[str]:
    """The addresses that a fresh container finds for a name."""
    number = len(driver.picture().containers)
    fields = {"endpoints": (Endpoint(network="shop_inside"),), **fields}
    asking = start_inside(driver, f"asking-{number}", f"nslookup -type=a {name}; exit 0", **fields)
    driver.wait(asking)
    found = [line.removeprefix("Address: ") for line in driver.output(asking) if line.startswith("Address: ")]
    return [address for address in found if "127.0.0.11" not in address]


def address(driver: Driver, container: str) -> str:
    return driver.state(container).attachments[0].address


@pytest.mark.parametrize("name", ["db", "DB", "db.shop", "shop-db-1", "database"])
def test_a_running_container_is_found_by_every_name_it_goes_by(driver: Driver, name: str) -> None:
    container = start_inside(driver, "db")
    assert look_up(driver, name) == [address(driver, container)]


def test_a_stopped_container_is_not_found(driver: Driver) -> None:
    container = start_inside(driver, "db")
    driver.ask(Stop(id=container, grace_seconds=0))
    assert look_up(driver, "db") == []


def test_a_link_is_a_name_for_one_client_alone(driver: Driver) -> None:
    container = start_inside(driver, "db")
    assert look_up(driver, "mysql", links=(("mysql", "db"),)) == [address(driver, container)]
    assert look_up(driver, "mysql") == []


def test_containers_without_a_shared_network_do_not_find_each_other(driver: Driver) -> None:
    driver.client.ask(EnsureNetwork(spec=NetworkSpec(name="shop_back")))
    driver.start("db", "exec sleep 1000", endpoints=(Endpoint(network="shop_back"),))
    assert look_up(driver, "db") == []


def test_names_are_answered_again_after_kill_9(driver: Driver) -> None:
    db = start_inside(driver, "db")
    script = "trap 'nslookup -type=a db | tail -n 3; echo done' USR1; echo ready; while :; do usleep 5000; done"
    client = start_inside(driver, "client", script)
    driver.expect(client, "ready")
    driver.kill_supervisor()
    driver.take_over()
    driver.ask(Kill(id=client, signal="USR1"))
    driver.expect(client, "done")
    assert f"Address: {address(driver, db)}" in driver.output(client)


def test_a_published_port_leads_to_the_container_and_is_held_also_after_kill_9(driver: Driver) -> None:
    container = driver.start("web", "exec sleep 1000", ports=(PublishedPort(container_port=80),))
    (port,) = driver.state(container).ports
    assert port.host_port
    driver.kill_supervisor()
    driver.take_over()
    assert driver.state(container).ports == (port,)
    with socket.socket() as another, pytest.raises(OSError, match="in use"):
        another.bind(("0.0.0.0", port.host_port))


def test_a_taken_port_fails_the_start_before_anything_runs(driver: Driver) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken = PublishedPort(container_port=80, host_ip="127.0.0.1", host_port=holder.getsockname()[1])
        container = driver.create("web", "echo ran", ports=(taken,))
        with pytest.raises(RequestError, match=str(taken.host_port)):
            driver.ask(Start(id=container))
    assert driver.output(container) == []
    assert driver.ask(Start(id=container)).state.ports[0].host_port == taken.host_port


def test_flushed_firewall_rules_come_back_by_themselves(driver: Driver) -> None:
    driver.start("web", "exec sleep 1000", ports=(PublishedPort(container_port=80),))
    listing = ["nft", "list", "table", "ip", f"windlass-{driver.stack.label}"]
    subprocess.run(["nft", "delete", *listing[2:]], check=True)
    deadline = time.monotonic() + 10
    while subprocess.run(listing, capture_output=True, check=False).returncode:
        assert time.monotonic() < deadline, "nothing put the rules back"
