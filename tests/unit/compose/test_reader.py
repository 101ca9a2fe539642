from collections.abc import Callable
from pathlib import Path

import pytest

from compose.errors import FileError
from compose.model import Dependency, Healthcheck, Mount, Port, ServiceNetwork, Stack
from compose.places import Place

Read = Callable[..., Stack]
Problems = Callable[..., str]


def test_a_small_file_becomes_a_stack_with_compose_s_defaults(read: Read) -> None:
    stack = read("services:\n  web:\n    image: nginx\n")
    assert stack.name == "proj"
    assert stack.services["web"].image == "nginx"
    assert stack.services["web"].networks == (ServiceNetwork(network="default"),)
    assert {key: network.name for key, network in stack.networks.items()} == {"default": "proj_default"}
    assert stack.warnings == ()


def test_every_everyday_key_is_read(read: Read, tmp_path: Path) -> None:
    stack = read(
        """
services:
  web:
    image: nginx
    command: serve --name 'a b'
    environment: {A: 1.10, B: $HOME, HOME: , NOPE: }
    ports: ["8080:80", "127.0.0.1:5353:53/udp", 9000]
    volumes: [data:/data:ro, ./site:/site, /cache]
    tmpfs: /run:size=1m,mode=700
    depends_on: {db: {condition: service_healthy}}
    links: [db:database]
    restart: on-failure:3
    stop_grace_period: 1m30s
    cpus: 0.5
    scale: 2
  db:
    image: postgres
    mem_limit: 512m
    healthcheck: {test: pg_isready, interval: 5s, retries: 3}
volumes: {data: }
""",
    )
    web, db = stack.services["web"], stack.services["db"]
    assert web.command == ("serve", "--name", "a b")
    assert web.environment == {"A": "1.1", "B": "/home/me", "HOME": "/home/me"}
    assert web.ports == (
        Port(target=80, published="8080"),
        Port(target=53, published="5353", host_ip="127.0.0.1", protocol="udp"),
        Port(target=9000),
    )
    assert web.mounts == (
        Mount(type="volume", source="data", target="/data", read_only=True),
        Mount(type="bind", source=f"{tmp_path}/site", target="/site"),
        Mount(type="volume", target="/cache"),
        Mount(type="tmpfs", target="/run", tmpfs_size_bytes=1048576, tmpfs_mode=0o700),
    )
    assert web.depends_on == (Dependency(service="db", condition="service_healthy"),)
    assert web.links == (("database", "db"),)
    assert (web.restart, web.stop_grace_period_seconds, web.cpus, web.replicas) == ("on-failure:3", 90.0, 0.5, 2)
    assert db.mem_limit_bytes == 536870912
    assert db.healthcheck == Healthcheck(test=("CMD-SHELL", "pg_isready"), interval_seconds=5.0, retries=3)
    assert stack.volumes["data"].name == "proj_data"


def test_all_problems_are_told_with_their_places_and_remedies(problems: Problems) -> None:
    text = """
services:
  web:
    image: nginx
    restrat: always
    ports: ["http:80"]
  db:
    mem_limit: lots
"""
    assert problems(text) == (
        "compose.yaml:5:5: services.web has no key 'restrat'\n"
        "  did you mean 'restart'?\n"
        "compose.yaml:6:13: services.web.ports[0] has 'http' where a port or a range of ports is expected\n"
        '  write "published:target", "address:published:target" or "target", '
        "each a number or a range such as 8000-8005\n"
        "compose.yaml:8:16: services.db.mem_limit is no size: 'lots'\n"
        "  write a number with b, k, m or g behind it, such as 512m"
    )


def test_values_know_where_they_stand(read: Read) -> None:
    stack = read("services:\n  web:\n    image: nginx\n    ports:\n      - 80:80\n")
    assert stack.place("services", "web", "ports", 0) == Place("compose.yaml", 5, 9)
    assert stack.place("services", "web") == Place("compose.yaml", 2, 3)
    assert stack.place("services", "web", "nothing") == Place("compose.yaml", 2, 3)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("sevices: {}\n", "did you mean 'services'?"),
        ("web: {image: x}\n", "looks like this belongs under services: indent 'web:' and all below it"),
        ("image: x\n", "'image' is a key of services: write it below a service's name"),
        ("services: {web: {image: x, comand: y}}\n", "did you mean 'command'?"),
        ("services: {web: {image: x, dockerfile: y}}\n", "'dockerfile' is a key of build: write it below `build:`"),
        (
            "services: {web: {image: x, retries: 3}}\n",
            "'retries' is a key of healthcheck: write it below `healthcheck:`",
        ),
        ("services: {web: {image: x, replicas: 3}}\n", "'replicas' is a key of deploy: write it below `deploy:`"),
        ("services: {volumes: {data: }}\n", "if 'volumes' is meant to be no service, move it to the left margin"),
        ("services: {web: {build: {image: x}}}\n", "'image' is a key of the service itself: indent it less"),
        ("services: {web: {image: x, zzz: 1}}\n", "keys of your own begin with x-"),
    ],
)
def test_a_key_in_the_wrong_place_is_told_where_it_belongs(read: Read, text: str, hint: str) -> None:
    with pytest.raises(FileError) as refused:
        read(text)
    assert refused.value.problems[0].hint == hint


def test_a_profile_that_no_service_has_is_told_with_the_likely_one(read: Read) -> None:
    text = "services: {a: {image: x}, b: {image: x, profiles: [debug]}}\n"
    (warning,) = read(text, profiles=("debgu",)).warnings
    assert (str(warning), warning.hint) == ("--profile: no service has the profile 'debgu'", "did you mean 'debug'?")
    assert read(text, profiles=("debug", "*")).warnings == ()


def test_the_files_name_is_made_a_projects_name(read: Read) -> None:
    assert read("name: My Shop.2\nservices: {a: {image: x}}\n", project_name="").name == "myshop2"


def test_profiles_of_the_command_line_replace_those_of_the_environment(read: Read) -> None:
    text = "services: {a: {image: x, profiles: [a]}, b: {image: x, profiles: [b]}}\n"
    environment = {"COMPOSE_PROFILES": "a"}
    assert list(read(text, environment=environment).services) == ["a"]
    assert list(read(text, environment=environment, profiles=("b",)).services) == ["b"]
