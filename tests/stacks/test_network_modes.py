"""Whose network a service is on, seen from inside its containers."""

import os
import signal
import socket
from collections.abc import Callable

import pytest

from tests.stacks.outside import greeting_host
from tests.stacks.product import Windlass

pytestmark = pytest.mark.root

Project = Callable[..., Windlass]


def run(windlass: Windlass, service: str, script: str) -> str:
    return windlass("exec", "-T", service, "sh", "-c", script).stdout


def test_a_service_on_the_hosts_network_sees_the_hosts_links_and_reaches_its_loopback(project: Project) -> None:
    windlass = project("services: {tool: {image: localhost/bb:1, command: sleep 1000, init: true, network_mode: host}}")
    windlass("up", "-d")
    links = run(windlass, "tool", "cat /proc/net/dev")
    assert all(f"{name}:" in links for _, name in socket.if_nameindex())
    assert run(windlass, "tool", "ls /sys/class/net").split() == sorted(name for _, name in socket.if_nameindex())
    assert run(windlass, "tool", "hostname") == socket.gethostname() + "\n"
    with greeting_host("127.0.0.1") as port:
        assert run(windlass, "tool", f"nc 127.0.0.1 {port} </dev/null") == "ahoy\n"


def test_a_service_without_a_network_has_loopback_alone(project: Project) -> None:
    windlass = project("services: {tool: {image: localhost/bb:1, command: sleep 1000, init: true, network_mode: none}}")
    windlass("up", "-d")
    assert run(windlass, "tool", "ls /sys/class/net; cat /etc/resolv.conf") == "lo\n"
    assert "LOOPBACK,UP" in run(windlass, "tool", "ip link show lo")


SIDECAR = """
services:
  web:
    image: localhost/bb:1
    init: true
    command: ["sh", "-c", "mkdir -p /srv && echo {page} > /srv/index.html && exec httpd -f -p 80 -h /srv"]
    ports: ["127.0.0.1::80"]
  sidecar: {{image: localhost/bb:1, init: true, command: sleep 1000, network_mode: "service:web"}}
  other: {{image: localhost/bb:1, init: true, command: sleep 1000, network_mode: "container:boat-web-1"}}
"""


def test_those_who_share_a_network_are_at_one_address_and_follow_its_owner(project: Project) -> None:
    windlass = project(SIDECAR.format(page="hello"))
    windlass("up", "-d")
    for service in ("sidecar", "other"):
        assert run(windlass, service, "wget -q -O - http://127.0.0.1/") == "hello\n"
        assert run(windlass, service, "cat /proc/net/fib_trie") == run(windlass, "web", "cat /proc/net/fib_trie")
        assert run(windlass, service, "wget -q -O - http://web/") == "hello\n"
    first = windlass.pids()
    assert "nothing to do" in windlass("up", "-d").stderr

    plan = project(SIDECAR.format(page="again"))("plan").stdout
    assert "shares a namespace of boat-web-1, which is made anew" in plan
    windlass("up", "-d")
    assert run(windlass, "sidecar", "wget -q -O - http://127.0.0.1/") == "again\n"
    assert not set(first.values()) & set(windlass.pids().values())


def test_a_shared_network_outlives_the_supervisor(project: Project) -> None:
    windlass = project(SIDECAR.format(page="hello"))
    windlass("up", "-d")
    before = windlass.pids()
    os.kill(windlass.supervisor_pid(), signal.SIGKILL)
    assert run(windlass, "sidecar", "wget -q -O - http://web/") == "hello\n"
    assert windlass.pids() == before


def test_network_mode_bridge_is_one_network_for_all_who_say_so(project: Project) -> None:
    windlass = project("""
services:
  a: {image: localhost/bb:1, init: true, command: sleep 1000, network_mode: bridge}
  b: {image: localhost/bb:1, init: true, command: sleep 1000, network_mode: bridge}
  c: {image: localhost/bb:1, init: true, command: sleep 1000}
""")
    windlass("up", "-d")
    windlass("exec", "-T", "a", "nslookup", "-type=a", "b")
    networks = {name: container["Networks"] for name, container in windlass.ps().items()}
    assert networks == {"boat-a-1": "boat_bridge", "boat-b-1": "boat_bridge", "boat-c-1": "boat_default"}
