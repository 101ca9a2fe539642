"""What a container's programs find names by, seen from inside."""

from collections.abc import Callable

import pytest

from tests.stacks.outside import greeting_host, naming
from tests.stacks.product import Windlass

pytestmark = pytest.mark.root

Project = Callable[..., Windlass]

TOOL = "image: localhost/bb:1, init: true, command: sleep 1000"


def run(windlass: Windlass, service: str, script: str) -> str:
    return windlass("exec", "-T", service, "sh", "-c", script).stdout


def test_own_servers_are_asked_for_what_is_not_the_stacks_own_even_inside(project: Project) -> None:
    windlass = project(f"""
services:
  names: {{{TOOL}, networks: {{inside: {{ipv4_address: 10.213.7.9}}}}}}
  tool: {{{TOOL}, networks: [inside], dns: 10.213.7.9, dns_search: [example], dns_opt: ["ndots:1", rotate]}}
networks: {{inside: {{internal: true, ipam: {{config: [{{subnet: 10.213.7.0/24}}]}}}}}}
""")
    windlass("up", "-d")
    assert run(windlass, "tool", "cat /etc/resolv.conf") == (
        "nameserver 127.0.0.11\nsearch example\noptions ndots:1 rotate\n"
    )
    with naming({"lighthouse.example": "192.0.2.5"}, "10.213.7.9", pid=windlass.pids()["boat-names-1"]):
        assert "Address: 192.0.2.5" in run(windlass, "tool", "nslookup -type=a lighthouse.example")
        assert "Address: 10.213.7.9" in run(windlass, "tool", "nslookup -type=a names.")
        windlass("exec", "-T", "names", "nslookup", "-type=a", "lighthouse.example", status=1)


def test_extra_hosts_lead_where_the_file_says_and_host_gateway_to_the_host(project: Project) -> None:
    windlass = project(f"""
services:
  tool:
    {TOOL.replace(", ", chr(10) + "    ")}
    hostname: boat
    domainname: harbour.example
    extra_hosts: ["pier=192.0.2.8", "quay:[2001:db8::8]", "dock=host-gateway"]
""")
    windlass("up", "-d")
    hosts = run(windlass, "tool", "cat /etc/hosts").splitlines()
    assert hosts[2].endswith("\tboat.harbour.example boat")
    assert "192.0.2.8\tpier" in hosts
    assert "2001:db8::8\tquay" in hosts
    assert run(windlass, "tool", "hostname; cat /proc/sys/kernel/domainname") == "boat\nharbour.example\n"
    with greeting_host("0.0.0.0") as port:
        assert run(windlass, "tool", f"nc dock {port} </dev/null") == "ahoy\n"
