from collections.abc import Callable

import pytest

from compose.model import Stack

Read = Callable[..., Stack]
Problems = Callable[..., str]


def test_a_service_needs_an_image_or_a_build(problems: Problems) -> None:
    assert problems("services:\n  a:\n    command: x\n") == (
        "compose.yaml:2:3: services.a has neither 'image' nor 'build'\n"
        "  add `image:` with a name, or `build:` with the directory of a Dockerfile"
    )


def test_undefined_networks_and_volumes_are_told_with_the_likely_one(problems: Problems) -> None:
    text = """
services:
  a:
    image: x
    networks: [frontt]
    volumes: [data:/d, sub/dir:/e]
networks: {front: }
"""
    assert problems(text) == (
        "compose.yaml:5:16: services.a uses the network 'frontt', which is not defined\n"
        "  did you mean 'front'?\n"
        "compose.yaml:6:15: services.a uses the volume 'data', which is not defined\n"
        "  add 'data:' below the file's `volumes:`\n"
        "compose.yaml:6:24: services.a uses the volume 'sub/dir', which is not defined\n"
        "  a path on the host begins with ./, / or ~: write ./sub/dir"
    )


def test_a_dependency_behind_a_profile_names_the_profile(problems: Problems) -> None:
    text = "services:\n  a: {image: x, depends_on: [b]}\n  b: {image: y, profiles: [debug]}\n"
    assert problems(text) == (
        "compose.yaml:2:30: services.a depends on 'b', which no active profile enables\n"
        "  activate the profile debug (--profile), or write `required: false` for this dependency"
    )
    assert problems(text, profiles=("debug",)) == ""


def test_an_unknown_dependency_is_told_even_if_it_is_not_required(problems: Problems) -> None:
    assert problems("services:\n  web: {image: x, depends_on: [web2]}\n") == (
        "compose.yaml:2:32: services.web depends on 'web2', which is no service of this stack\n  did you mean 'web'?"
    )
    text = "services: {a: {image: x, depends_on: {b: {condition: service_started, required: false}}}}\n"
    assert problems(text) == (
        "compose.yaml:1:39: services.a depends on 'b', which is no service of this stack\n  the services are a"
    )
    assert (
        problems(
            "services: {a: {image: x, depends_on: {b: {condition: service_started, required: false}}}, "
            "b: {image: y, profiles: [p]}}\n"
        )
        == ""
    )


def test_a_cycle_is_told_with_the_place_of_every_edge(problems: Problems) -> None:
    text = """
services:
  a: {image: x, depends_on: [b]}
  b: {image: x, depends_on: [c]}
  c: {image: x, depends_on: [a, d]}
  d: {image: x}
"""
    assert problems(text) == (
        "compose.yaml:3:30: services wait for each other in a circle: a -> b -> c -> a\n"
        "  break one of: a needs b (compose.yaml:3:30); b needs c (compose.yaml:4:30); c needs a (compose.yaml:5:30)"
    )


def test_a_link_is_a_dependency_that_is_restarted_along(read: Read) -> None:
    stack = read("services: {a: {image: x, links: [b:db]}, b: {image: y}}\n")
    (dependency,) = stack.services["a"].depends_on
    assert (dependency.service, dependency.condition, dependency.restart) == ("b", "service_started", True)


@pytest.mark.parametrize(
    ("service", "message"),
    [
        ("restart: sometimes", "1:35: services.a.restart cannot be 'sometimes'"),
        ("restart: always:3", "1:35: services.a.restart cannot be 'always:3'"),
        ("stop_signal: SIGFOO", "1:39: services.a.stop_signal: there is no signal 'SIGFOO'"),
        ("stop_signal: TERM+5", "1:39: services.a.stop_signal: there is no signal 'TERM+5'"),
        ("stop_signal: RTMIN+90", "1:39: services.a.stop_signal: there is no signal 'RTMIN+90'"),
        ("expose: [http]", "1:35: services.a.expose[0] has 'http' where a port or a range of ports is expected"),
        ("container_name: web, scale: 2", "1:42: services.a has 2 replicas, but a container_name is for one"),
        ("scale: 2, deploy: {replicas: 3}", "1:33: services.a: scale is 2, but deploy.replicas is 3"),
        ("volumes: [/x, ./y:/x]", "1:40: services.a mounts something on /x twice, first in line 1"),
        ("tmpfs: /x, volumes: [/x]", "1:33: services.a mounts something on /x twice, first in line 1"),
        ("healthcheck: {test: [curl]}", "1:46: services.a.healthcheck.test must begin with NONE, CMD or CMD-SHELL"),
        ("depends_on: {b: {}}", "1:39: services.a.depends_on.b has no 'condition'"),
        ("image: ", "1:26: the key 'image' stands twice in this mapping, first in line 1"),
        ("build: [x]", "1:33: services.a.build must be a mapping, not a list"),
        ("hostname: 1", "1:36: services.a.hostname must be text, not a number"),
        ("ports: ", "1:33: services.a.ports must be a list, not empty"),
        ("ports: 80:80", "1:33: services.a.ports must be a list, not text"),
        ("environment: {A: [1]}", "1:43: services.a.environment.A must be text, a number, true or false, not a list"),
        (
            "environment: {A: 2020-01-01}",
            "1:43: services.a.environment.A must be text, a number, true or false, not a date",
        ),
        ("stop_grace_period: 10", "1:45: services.a.stop_grace_period must be a duration, not a number"),
        ("read_only: maybe", "1:37: services.a.read_only must be true or false, not 'maybe'"),
        ("scale: -1", "1:33: services.a.scale must be 0 or more, not -1"),
    ],
)
def test_values_that_cannot_work_are_told(problems: Problems, service: str, message: str) -> None:
    told = problems(f"services: {{a: {{image: x, {service}}}}}\n")
    assert told.splitlines()[0] == f"compose.yaml:{message}"


def test_container_names_and_host_ports_are_unique(problems: Problems) -> None:
    text = """
services:
  a:
    image: x
    container_name: one
    ports: ["80:80", "81:81", "127.0.0.1:82:82", "83:83/udp", "84-85:84"]
  b:
    image: x
    container_name: one
    ports: ["80:8080", "127.0.0.1:81:81", "127.0.0.2:82:82", "83:83", "84:84"]
"""
    assert problems(text) == (
        "compose.yaml:9:21: services.b has the container_name 'one' of services.a\n"
        "  give each container a name of its own\n"
        "compose.yaml:10:13: services.b publishes the host port 80/tcp, which services.a publishes in line 6\n"
        "  give one of them another host port\n"
        "compose.yaml:10:24: services.b publishes the host port 81/tcp, which services.a publishes in line 6\n"
        "  give one of them another host port"
    )


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("subnet: 10.5.0.0/33", "'10.5.0.0/33' is no subnet\n  write one such as 10.5.0.0/24"),
        ("subnet: tenfive", "'tenfive' is no subnet\n  write one such as 10.5.0.0/24"),
        ("subnet: 10.5.0.0/31", "10.5.0.0/31 has no room for containers\n  use a /29 or larger"),
    ],
)
def test_subnets_are_checked(problems: Problems, config: str, message: str) -> None:
    text = f"services: {{a: {{image: x}}}}\nnetworks: {{n: {{ipam: {{config: [{{{config}}}]}}}}}}\n"
    assert problems(text) == f"compose.yaml:2:41: networks.n.ipam.config[0].subnet: {message}"


def test_addresses_lie_in_their_subnet(problems: Problems) -> None:
    text = """
services:
  a: {image: x, networks: {n: {ipv4_address: 10.6.0.1}}}
  c: {image: x, networks: {n: {ipv4_address: ten}}}
networks: {n: {ipam: {config: [{subnet: 10.5.0.0/24, gateway: 10.7.0.1}]}}}
"""
    assert problems(text) == (
        "compose.yaml:3:46: services.a.networks.n.ipv4_address: 10.6.0.1 lies outside of 10.5.0.0/24\n"
        "  choose an address in 10.5.0.0/24\n"
        "compose.yaml:4:46: services.c.networks.n.ipv4_address: 'ten' is no IPv4 address\n"
        "  write one such as 10.5.0.10\n"
        "compose.yaml:5:63: networks.n.ipam.config[0].gateway: '10.7.0.1' is no address in 10.5.0.0/24\n"
        "  such as 10.5.0.1"
    )


def test_a_subnet_with_bits_behind_its_prefix_is_an_obstacle_with_the_right_one(read: Read) -> None:
    network = "{ipam: {config: [{subnet: 10.5.0.1/24}]}}"
    (obstacle,) = read(f"services: {{a: {{image: x}}}}\nnetworks: {{n: {network}}}\n").obstacles
    assert str(obstacle) == (
        "compose.yaml:2:41: networks.n.ipam.config[0].subnet: '10.5.0.1/24' has bits set behind its prefix"
    )
    assert obstacle.hint == "write 10.5.0.0/24"


def test_an_address_on_a_network_without_a_subnet_is_an_obstacle(read: Read) -> None:
    stack = read("services: {b: {image: x, networks: {m: {ipv4_address: 10.5.0.1}}}}\nnetworks: {m: }\n")
    assert [str(each) for each in stack.obstacles] == [
        "compose.yaml:1:55: services.b.networks.m.ipv4_address needs a network with a subnet, and 'm' has none"
    ]


def test_values_windlass_cannot_serve_yet_are_refused(problems: Problems) -> None:
    text = """
services: {a: {image: x, ports: [80/sctp], networks: [n], volumes: [v:/v]}}
networks: {n: {driver: macvlan, ipam: {driver: dhcp}}}
volumes: {v: {driver: nfs}}
"""
    assert problems(text) == (
        "compose.yaml:2:34: services.a.ports[0]: the protocol sctp is not supported yet\n"
        "  use tcp or udp\n"
        "compose.yaml:3:24: networks.n: the driver 'macvlan' is not supported yet\n"
        "  use `driver: bridge`, or delete the line\n"
        "compose.yaml:3:48: networks.n.ipam: the driver 'dhcp' is not supported yet\n"
        "  use `driver: default`, or delete the line\n"
        "compose.yaml:4:23: volumes.v: the driver 'nfs' is not supported yet\n"
        "  use `driver: local`, or delete the line"
    )


def test_models_and_secrets_of_builds_are_looked_up(problems: Problems) -> None:
    text = """
services:
  a: {image: x, models: [llm], build: {context: ., secrets: [key]}}
models: {lm: {model: m}}
"""
    assert problems(text) == (
        "compose.yaml:3:26: services.a uses the model 'llm', which is not defined\n"
        "  did you mean 'lm'?\n"
        "compose.yaml:3:62: services.a uses the secret 'key', which is not defined\n"
        "  add 'key:' below the file's `secrets:`"
    )


def test_a_service_with_a_provider_has_neither_image_nor_network(read: Read) -> None:
    stack = read("services: {a: {provider: {type: cloud}}}\n")
    assert stack.services["a"].networks == ()
    assert [str(each) for each in stack.obstacles] == ["compose.yaml:1:16: services.a.provider is not supported yet"]


def test_capabilities_and_signals_that_do_not_exist_are_told_with_the_likely_one(problems: Problems) -> None:
    text = "services: {a: {image: x, cap_add: [cap_net_admn, all], cap_drop: [CHOWN, FOO], stop_signal: SIGQIUT}}\n"
    assert problems(text) == (
        "compose.yaml:1:36: services.a.cap_add: there is no capability 'cap_net_admn'\n"
        "  did you mean 'NET_ADMIN'?\n"
        "compose.yaml:1:74: services.a.cap_drop: there is no capability 'FOO'\n"
        "  capabilities(7) lists them, or write ALL\n"
        "compose.yaml:1:93: services.a.stop_signal: there is no signal 'SIGQIUT'\n"
        "  did you mean 'SIGQUIT'?"
    )


@pytest.mark.parametrize(
    ("service", "message"),
    [
        ("user: 'a b'", "1:32: services.a.user cannot be 'a b'"),
        ("user: '1000:'", "1:32: services.a.user cannot be '1000:'"),
        ("devices: [null]", "1:36: services.a.devices[0] must be text or a mapping, not empty"),
        (
            "healthcheck: {test: x, start_interval: 1s}",
            "1:65: services.a.healthcheck.start_interval counts only within a start_period, and there is none",
        ),
        ("healthcheck: {test: x, interval: 1us}", "1:59: services.a.healthcheck.interval is too short: 1µs"),
        ("dns: dns.example", "1:31: services.a.dns[0] is no address: 'dns.example'"),
        ("extra_hosts: [x=y]", "1:40: services.a.extra_hosts[0] leads to 'y', which is no address"),
        ("mac_address: '02:42'", "1:39: services.a.mac_address is no MAC address: '02:42'"),
        ("secrets: [s], volumes: [/run/secrets/s]", "1:36: services.a mounts something on /run/secrets/s twice"),
        ("ports: ['81:80', '81:82']", "1:43: services.a publishes the host port 81/tcp, which it publishes in line 1"),
        ("ports: ['81-82:80', 81:81, 82:82]", "1:34: services.a publishes one of the host ports 81-82/tcp, which it"),
    ],
)
def test_values_that_only_fail_later_are_told(problems: Problems, service: str, message: str) -> None:
    told = problems(f"services: {{a: {{image: x, {service}}}}}\nsecrets: {{s: {{file: ./s}}}}\n")
    assert told.startswith(f"compose.yaml:{message}")


@pytest.mark.parametrize(
    ("service", "message"),
    [
        ("sysctls: {vm.swappiness: 1}", "services.a.sysctls: vm.swappiness is the host's, not a container's own"),
        (
            "sysctls: {net.ipv4.ip_forward: 1}, network_mode: host",
            "services.a.sysctls: net.ipv4.ip_forward belongs to the network, which is the host's here",
        ),
        (
            "sysctls: [kernel.sem=1], ipc: host",
            "services.a.sysctls: kernel.sem belongs to the IPC namespace, which is the host's here",
        ),
        ("sysctls: {net.core.somaxconn: 1, kernel.shmmax: 1, fs.mqueue.msg_max: 5}", ""),
    ],
)
def test_settings_of_the_whole_machine_stand_in_the_way_of_starting(read: Read, service: str, message: str) -> None:
    stack = read(f"services: {{a: {{image: x, {service}}}}}\n")
    told = [problem.message for problem in stack.obstacles if "not supported yet" not in problem.message]
    assert told == ([message] if message else [])


def test_who_waits_for_health_that_never_comes_is_told(problems: Problems) -> None:
    text = """
services:
  a: {image: x, depends_on: {b: {condition: service_healthy}, c: {condition: service_healthy}}}
  b: {image: x, healthcheck: {test: [NONE]}}
  c: {image: "debootstrap:bookworm"}
  d: {image: x, depends_on: {e: {condition: service_healthy}}}
  e: {image: x}
"""
    assert problems(text) == (
        "compose.yaml:3:45: services.a waits until 'b' is healthy, but that switches its health check off\n"
        "  give b a `healthcheck:`, or wait with `condition: service_started`\n"
        "compose.yaml:3:78: services.a waits until 'c' is healthy, but that has no health check\n"
        "  give c a `healthcheck:`, or wait with `condition: service_started`"
    )


def test_subnets_overlap_and_addresses_are_given_once(problems: Problems) -> None:
    text = """
services:
  a: {image: x, networks: {n: {ipv4_address: 10.5.0.9}}}
  b: {image: x, networks: {n: {ipv4_address: 10.5.0.9}}}
  c: {image: x, networks: {n: {ipv4_address: 10.5.0.1}}}
networks:
  n: {ipam: {config: [{subnet: 10.5.0.0/24, gateway: 10.5.0.1}]}}
  m: {ipam: {config: [{subnet: 10.0.0.0/8}]}}
"""
    assert problems(text) == (
        "compose.yaml:4:46: services.b.networks.n: 10.5.0.9 is the address of services.a\n"
        "  choose another one\n"
        "compose.yaml:5:46: services.c.networks.n: 10.5.0.1 is the address of the network's gateway\n"
        "  choose another one\n"
        "compose.yaml:8:32: networks.m: the subnet 10.0.0.0/8 overlaps 10.5.0.0/24 of networks.n\n"
        "  give each network addresses of its own"
    )


def test_builds_and_watches_that_compose_refuses(problems: Problems) -> None:
    text = """
services:
  a:
    build: {context: ., dockerfile: D, dockerfile_inline: FROM x, additional_contexts: {c: "service:z", d: "service:b"}}
  b: {build: ., develop: {watch: [{path: ., action: sync}, {path: ., action: rebuild}]}}
"""
    assert problems(text) == (
        "compose.yaml:4:59: services.a.build has both 'dockerfile' and 'dockerfile_inline'\n"
        "  keep one of the two\n"
        "compose.yaml:4:92: services.a.build.additional_contexts.c is of 'z', which is no service of this stack\n"
        "  the services are a, b\n"
        "compose.yaml:5:35: services.b.develop.watch[0] copies files, and does not say where to\n"
        "  add `target: /path` inside the container"
    )


def test_all_that_is_wrong_with_a_service_is_told_at_once_whatever_kind_it_is_of(problems: Callable[..., str]) -> None:
    said = problems("""
services:
  web:
    imgae: x
    ports: 80
    depends_on: [dbb]
    restart: sometimes
    networks: [front]
  db: {image: y}
""")
    lines = [line for line in said.splitlines() if not line.startswith("  ")]
    assert [line.partition(": ")[2].removeprefix("services.web") for line in lines] == [
        " has no key 'imgae'",
        ".ports must be a list, not a number",
        " depends on 'dbb', which is no service of this stack",
        ".restart cannot be 'sometimes'",
        " uses the network 'front', which is not defined",
    ]
