"""Networks, links to them and names: what is decoded, what is refused, what a container is asked to be."""

from collections.abc import Callable

import pytest

from compose.deciding.replica import Replica
from compose.deciding.translate_networks import network_namespace, network_spec, networking
from compose.model import Dependency, Network, ServiceNetwork, Stack
from engine.images.model import ImageConfig
from engine.spec import Resolver
from engine.version import VERSION
from net.spec import Endpoint, NetworkSpec

Read = Callable[..., Stack]
Problems = Callable[..., str]


def fields(stack: Stack, name: str, number: int = 1) -> dict[str, object]:
    service = stack.services[name]
    return networking(stack, Replica(service, number, service.replicas), ImageConfig(), "ab" * 32)


def test_every_key_of_a_network_reaches_its_specification(read: Read) -> None:
    stack = read("""
services: {a: {image: x, networks: [n]}}
networks:
  n:
    internal: true
    enable_ipv6: true
    attachable: true
    driver_opts:
      com.docker.network.driver.mtu: 1400
      com.docker.network.bridge.name: n0
      com.docker.network.bridge.enable_icc: "false"
      com.docker.network.bridge.enable_ip_masquerade: "false"
      com.docker.network.bridge.host_binding_ipv4: 127.0.0.1
    ipam:
      config:
        - {subnet: "fd00:5::/64", gateway: "fd00:5::ff", aux_addresses: {router: "fd00:5::fe"}}
        - {subnet: 10.5.0.0/24, ip_range: 10.5.0.128/25, gateway: 10.5.0.9, aux_addresses: {printer: 10.5.0.130}}
""")
    spec = network_spec(stack, "n")
    digest = spec.labels["com.docker.compose.config-hash"]
    assert len(digest) == 64
    assert spec == NetworkSpec(
        name="proj_n",
        subnet="10.5.0.0/24",
        gateway="10.5.0.9",
        internal=True,
        labels={
            "com.docker.compose.project": "proj",
            "com.docker.compose.network": "n",
            "com.docker.compose.config-hash": digest,
            "com.docker.compose.version": VERSION,
        },
        ip_range="10.5.0.128/25",
        reserved=("10.5.0.130", "fd00:5::fe"),
        ipv6=True,
        subnet6="fd00:5::/64",
        gateway6="fd00:5::ff",
        mtu=1400,
        bridge="n0",
        isolated=True,
        masquerade=False,
        binding="127.0.0.1",
    )


def test_links_come_in_the_order_of_their_priority_and_the_first_has_the_services_mac_address(read: Read) -> None:
    stack = read("""
services:
  a:
    image: x
    mac_address: 02:57:00:00:00:07
    networks:
      one: {gw_priority: 3, interface_name: one0}
      two:
        priority: 1
        ipv6_address: "fd00:5::9"
        link_local_ips: [169.254.7.7]
        driver_opts: {com.docker.network.endpoint.sysctls: "net.ipv4.conf.IFNAME.log_martians=1"}
networks: {one: , two: {enable_ipv6: true, ipam: {config: [{subnet: "fd00:5::/64"}]}}}
""")
    assert fields(stack, "a")["endpoints"] == (
        Endpoint(
            network="proj_two",
            address6="fd00:5::9",
            link_local=("169.254.7.7",),
            mac_address="02:57:00:00:00:07",
            sysctls=("net.ipv4.conf.IFNAME.log_martians=1",),
        ),
        Endpoint(network="proj_one", interface="one0", gateway_priority=3),
    )


def test_names_reach_the_container(read: Read) -> None:
    stack = read("""
services:
  db: {image: x}
  a:
    image: x
    hostname: boat
    domainname: harbour.example
    dns: [192.0.2.1]
    dns_search: [example]
    dns_opt: [rotate]
    extra_hosts: ["pier:192.0.2.8", "dock=host-gateway"]
    external_links: ["proj-db-1:mysql"]
""")
    found = fields(stack, "a")
    assert found["hostname"] == "boat"
    assert found["links"] == (("mysql", "proj-db-1"),)
    assert found["resolver"] == Resolver(
        servers=("192.0.2.1",),
        search=("example",),
        options=("rotate",),
        hosts=(("dock", "host-gateway"), ("pier", "192.0.2.8")),
        domain="harbour.example",
    )


def test_sharing_a_services_network_names_the_container_of_the_same_number_or_the_first(read: Read) -> None:
    stack = read("""
services:
  web: {image: x, scale: 2}
  sidecar: {image: x, scale: 3, network_mode: "service:web"}
""")
    service = stack.services["sidecar"]
    names = [network_namespace(stack, Replica(service, number, 3)) for number in (1, 2, 3)]
    assert names == ["container:proj-web-1", "container:proj-web-2", "container:proj-web-1"]
    assert service.depends_on == (Dependency(service="web", restart=True),)


def test_sharing_a_containers_network_is_depending_on_its_service(read: Read) -> None:
    stack = read("{services: {web: {image: x}, a: {image: x, network_mode: 'container:proj-web-1'}}}")
    assert stack.services["a"].depends_on == (Dependency(service="web", restart=True),)


def test_networks_that_are_no_networks_become_modes(read: Read) -> None:
    stack = read("""
services:
  a: {image: x, networks: [h]}
  b: {image: x, networks: [off]}
  c: {image: x, networks: [docker0]}
  d: {image: x, network_mode: proj_e}
  e: {image: x, networks: [e]}
networks: {h: {external: true, name: host}, off: {driver: none}, docker0: {external: true, name: bridge}, e: }
""")
    assert {name: service.network_mode for name, service in stack.services.items()} == {
        "a": "host",
        "b": "none",
        "c": "",
        "d": "",
        "e": "",
    }
    assert stack.services["c"].networks == (ServiceNetwork(network="bridge"),)
    assert stack.services["d"].networks == (ServiceNetwork(network="e"),)
    assert stack.networks["bridge"] == Network(key="bridge", name="proj_bridge")
    assert fields(stack, "a")["ports"] == ()


@pytest.mark.parametrize(
    ("service", "message"),
    [
        ("network_mode: host, networks: [n]", "has both network_mode 'host' and networks"),
        ("network_mode: hst", ".network_mode: there is no network 'hst' in this stack\n  did you mean 'host'?"),
        ("network_mode: 'service:a'", "services wait for each other in a circle: a -> a"),
        (
            "network_mode: 'container:x'",
            ".network_mode: sharing the network of a container of another stack is not supported yet",
        ),
        ("network_mode: 'service:b', ports: [80]", ".ports cannot be, for its network is that of b"),
        ("networks: {n: {mac_address: 57-57}}", ".mac_address: '57-57' is no MAC address"),
        ("mac_address: '03:57:00:00:00:07'", "is the address of a group, not of a link"),
        ("networks: {n: {interface_name: a/b}}", "'a/b' cannot name a link"),
        ("networks: {n: {ipv6_address: 'fd00::9'}}", "ipv6_address needs a network with IPv6, and 'n' has none"),
        ("networks: {n: {link_local_ips: [10.0.0.1]}}", "'10.0.0.1' is no link-local address"),
        ("external_links: [other_web_1]", "a link to the container 'other_web_1' of another stack is not supported"),
    ],
)
def test_what_a_service_cannot_want_is_told(problems: Problems, service: str, message: str) -> None:
    text = f"services: {{a: {{image: x, {service}}}, b: {{image: x}}}}\nnetworks: {{n: }}\n"
    assert message in problems(text)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ("driver_opts: {com.docker.network.driver.mtu: big}", "mtu must be a number of bytes from 68 to 65535"),
        ("enable_ipv4: false", "has neither IPv4 nor IPv6"),
        ("driver: overlay", "the driver 'overlay' spans several hosts, which is not supported yet"),
        ("driver: macvlan", "the driver 'macvlan' is not supported yet"),
        ("external: true", "the network 'n' of somebody else is not supported yet"),
        ("ipam: {config: [{subnet: 10.5.0.0/24, ip_range: 10.6.0.0/25}]}", "'10.6.0.0/25' is no part of 10.5.0.0/24"),
        ("ipam: {config: [{subnet: 10.5.0.0/24, aux_addresses: {a: 10.6.0.1}}]}", "is no address in 10.5.0.0/24"),
        ("ipam: {config: [{subnet: 10.5.0.0/24}, {subnet: 10.6.0.0/24}]}", "a second subnet of IPv4 is not supported"),
        ("enable_ipv6: true, ipam: {config: [{subnet: 'fd00::1/64'}]}", "write fd00::/64"),
    ],
)
def test_what_a_network_cannot_be_is_told(problems: Problems, network: str, message: str) -> None:
    assert message in problems(f"services: {{a: {{image: x, networks: [n]}}}}\nnetworks: {{n: {{{network}}}}}\n")


def test_what_is_without_effect_is_told_once(read: Read) -> None:
    stack = read("""
services: {a: {image: x, network_mode: none, ports: [80]}, b: {image: x, networks: [n]}}
networks: {n: {driver_opts: {foo: bar}, ipam: {config: [{subnet: "fd00::/64"}]}}}
""")
    assert [warning.message for warning in stack.warnings] == [
        "networks.n has a subnet of IPv6, but not `enable_ipv6: true`: it has no IPv6",
        "networks.n.driver_opts: windlass does not know 'foo': it is without effect",
        "services.a.ports is without effect on network_mode: none",
    ]
