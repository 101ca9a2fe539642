"""What the keys of networks, and of services' links to them, do; seen from inside the containers."""

import socket
import urllib.error
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.stacks.outside import fetch, kill_supervisor
from tests.stacks.product import Windlass

pytestmark = pytest.mark.root

Project = Callable[..., Windlass]

TOOL = "image: localhost/bb:1, init: true, command: sleep 1000"
WEB = """image: localhost/bb:1, init: true,
    command: [sh, -c, "mkdir -p /srv && hostname > /srv/index.html && exec httpd -f -p 80 -h /srv"], hostname: web"""


def run(windlass: Windlass, service: str, script: str, **options: int) -> str:
    return windlass("exec", "-T", service, "sh", "-c", script, **options).stdout


def test_a_link_has_the_name_addresses_and_settings_that_the_file_asks_for(project: Project) -> None:
    windlass = project(f"""
services:
  tool:
    {TOOL.replace(", ", chr(10) + "    ")}
    networks:
      back: {{interface_name: back0}}
      front:
        priority: 10
        mac_address: 02:57:00:00:00:07
        ipv4_address: 10.213.8.77
        link_local_ips: [169.254.7.7]
        driver_opts: {{com.docker.network.endpoint.sysctls: net.ipv4.conf.IFNAME.log_martians=1}}
  other: {{{TOOL}, networks: [front]}}
networks:
  front:
    driver_opts: {{com.docker.network.driver.mtu: 1400, com.docker.network.bridge.name: front0}}
    ipam:
      config:
        - subnet: 10.213.8.0/24
          ip_range: 10.213.8.64/26
          gateway: 10.213.8.200
          aux_addresses: {{a: 10.213.8.64}}
  back:
""")
    windlass("up", "-d")
    front = run(windlass, "tool", "ip address show eth0")
    assert "mtu 1400" in front
    assert "link/ether 02:57:00:00:00:07" in front
    assert "inet 10.213.8.77/24" in front
    assert "inet 169.254.7.7/16" in front
    assert run(windlass, "tool", "cat /proc/sys/net/ipv4/conf/eth0/log_martians") == "1\n"
    assert run(windlass, "tool", "ls /sys/class/net").split() == ["back0", "eth0", "lo"]
    assert "default via 10.213.8.200 dev eth0" in run(windlass, "tool", "ip route")
    assert "inet 10.213.8.65/24" in run(windlass, "other", "ip address show eth0")
    kill_supervisor(windlass)
    with_nc = "nc -w 2 tool 9 </dev/null || true; cat /proc/net/arp"
    assert "02:57:00:00:00:07" in run(windlass, "other", with_nc)


def test_the_default_route_leads_through_the_network_of_the_highest_priority(project: Project) -> None:
    windlass = project(f"""
services:
  tool: {{{TOOL}, networks: {{one: , two: {{gw_priority: 5}}, three: }}}}
networks:
  one:
  two: {{ipam: {{config: [{{subnet: 10.213.9.0/24}}]}}}}
  three: {{internal: true}}
""")
    windlass("up", "-d")
    assert "default via 10.213.9.1 dev eth1" in run(windlass, "tool", "ip route")


def test_containers_of_a_network_without_icc_reach_the_outside_but_not_each_other(project: Project) -> None:
    port = free_port()
    windlass = project(f"""
services:
  web: {{{WEB}, networks: [apart], ports: ["{port}:80"]}}
  tool: {{{TOOL}, networks: [apart]}}
networks: {{apart: {{driver_opts: {{com.docker.network.bridge.enable_icc: "false"}}}}}}
""")
    windlass("up", "-d")
    run(windlass, "tool", "nc -w 1 web 80 </dev/null", status=1)
    assert fetch(f"http://127.0.0.1:{port}/") == "web\n"
    kill_supervisor(windlass)
    run(windlass, "tool", "nc -w 1 web 80 </dev/null", status=1)


def test_ports_without_an_address_are_published_where_the_network_says(project: Project) -> None:
    windlass = project(f"""
services:
  web: {{{WEB}, networks: [near], ports: ["80"]}}
networks: {{near: {{driver_opts: {{com.docker.network.bridge.host_binding_ipv4: 127.0.0.1}}}}}}
""")
    windlass("up", "-d")
    (publisher,) = windlass.ps()["boat-web-1"]["Publishers"]
    assert publisher["URL"] == "127.0.0.1"
    assert fetch(f"http://127.0.0.1:{publisher['PublishedPort']}/") == "web\n"


def test_an_unknown_option_is_told_and_has_no_effect(project: Project) -> None:
    windlass = project(f"services: {{a: {{{TOOL}}}}}\nnetworks: {{default: {{driver_opts: {{foo: bar}}}}}}\n")
    done = windlass("config", "-q")
    assert "windlass does not know 'foo': it is without effect" in done.stderr


IPV6 = f"""
services:
  web: {{{WEB}, networks: {{wide: {{ipv6_address: "fd00:213:7::77"}}}}, ports: ["PORT:80"]}}
  tool: {{{TOOL}, networks: [wide]}}
networks:
  wide: {{enable_ipv6: true, ipam: {{config: [{{subnet: "fd00:213:7::/64"}}]}}}}
"""


def host_address6(windlass: Windlass) -> str:
    """The host's address of IPv6 on its link to the stack."""
    name = f"windl{windlass.roots.stack(windlass.stack).token}"
    lines = Path("/proc/net/if_inet6").read_text().splitlines()
    digits = next(line.split()[0] for line in lines if line.endswith(name) and line.startswith("fd"))
    return socket.inet_ntop(socket.AF_INET6, bytes.fromhex(digits))


def test_containers_of_a_network_with_ipv6_have_both_kinds_of_addresses(project: Project) -> None:
    port = free_port()
    windlass = project(IPV6.replace("PORT", str(port)))
    windlass("up", "-d")
    assert "inet6 fd00:213:7::77/64" in run(windlass, "web", "ip address show eth0")
    assert "Address: fd00:213:7::77" in run(windlass, "tool", "nslookup -type=aaaa web.")
    assert run(windlass, "tool", "wget -q -O - http://[fd00:213:7::77]/") == "web\n"
    assert run(windlass, "tool", "wget -q -O - http://web/") == "web\n"
    assert fetch("http://[fd00:213:7::77]/") == "web\n"
    assert fetch(f"http://127.0.0.1:{port}/") == "web\n"
    assert fetch(f"http://localhost:{port}/") == "web\n"
    with pytest.raises(urllib.error.URLError, match="refused"):
        fetch(f"http://[::1]:{port}/")
    host = host_address6(windlass)
    assert fetch(f"http://[{host}]:{port}/") == "web\n"
    kill_supervisor(windlass)
    windlass("up", "-d")
    assert fetch(f"http://[{host}]:{port}/") == "web\n"
    with socket.socket(socket.AF_INET6) as another:
        another.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        with pytest.raises(OSError, match="in use"):
            another.bind(("::", port))


def test_a_network_may_have_ipv6_alone(project: Project) -> None:
    windlass = project(f"""
services:
  web: {{{WEB}}}
  tool: {{{TOOL}}}
networks: {{default: {{enable_ipv4: false, enable_ipv6: true}}}}
""")
    windlass("up", "-d")
    assert "inet " not in run(windlass, "web", "ip address show eth0")
    assert run(windlass, "tool", "wget -q -O - http://web/") == "web\n"
    assert "Address: fd" in run(windlass, "tool", "nslookup -type=aaaa web.")
    run(windlass, "tool", "nslookup -type=a web. | tail -n +4 | grep Address", status=1)


def test_a_port_on_an_address_of_ipv6_needs_a_network_that_has_it(project: Project) -> None:
    windlass = project(f'services: {{web: {{{WEB}, ports: ["[::]::80"]}}}}')
    done = windlass("up", "-d", status=1)
    assert "cannot publish 80/tcp on [::]: the container has no IPv6 address" in done.stderr
    assert "enable_ipv6: true" in done.stderr


def test_those_who_publish_a_range_share_it_and_who_finds_none_free_is_told_who_has_it(project: Project) -> None:
    port = free_port()
    names = ("one", "two", "three")
    services = [f'{name}: {{{WEB}, ports: ["127.0.0.1:{port}-{port + 1}:80"]}}' for name in names]
    windlass = project("services:\n  " + "\n  ".join(services))
    windlass("up", "-d", "one", "two")
    published = sorted(each["Publishers"][0]["PublishedPort"] for each in windlass.ps().values())
    assert published == [port, port + 1]
    done = windlass("up", "-d", status=1)
    assert "the port is taken by the container boat-" in done.stderr
    assert "of this stack" in done.stderr


def test_a_link_to_a_container_by_its_name_is_a_name_for_one_service_alone(project: Project) -> None:
    windlass = project(f"""
services:
  web: {{{WEB}}}
  tool: {{{TOOL}, external_links: ["boat-web-1:page"]}}
""")
    windlass("up", "-d")
    assert run(windlass, "tool", "wget -q -O - http://page/") == "web\n"


def test_a_network_of_somebody_else_is_refused_with_the_way_around(project: Project) -> None:
    windlass = project(f"""
services: {{a: {{{TOOL}, networks: [proxy]}}}}
networks: {{proxy: {{external: true}}}}
""")
    windlass("config", "-q")
    done = windlass("up", "-d", status=1)
    assert "the network 'proxy' of somebody else is not supported yet" in done.stderr
    assert "host-gateway" in done.stderr
