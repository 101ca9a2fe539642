"""What a service says about how its image is built."""

import socket
from pathlib import Path

import pytest

from compose.deciding.steps import MakeImage
from compose.doing.build_requests import BuildFlags, request_for
from compose.doing.images import builds_in_order
from compose.errors import FileError, StackError
from compose.model import Build, Service, Stack
from engine.dockerfiles.requests import NamedContext, Sandbox

BUILD = Build(context="/srv", args={"A": "1", "B": None}, tags=("x:1",), labels={"l": "1"})


def test_a_request_has_what_the_file_says() -> None:
    build = Build(
        context="/srv",
        dockerfile_inline="FROM scratch",
        no_cache_filter=("Web",),
        pull=True,
        contexts={"a": "/files", "b": "docker-image://alpine:3", "c": "service:base"},
        secrets=(("key", "file_key"),),
        network="none",
        extra_hosts=(("h", "192.0.2.1"),),
        shm_size_bytes=5,
        entitlements=("network.host",),
    )
    request = request_for(
        build, "web", environment={}, image_of=lambda name: f"shop-{name}", secrets={"file_key": b"hidden"}
    )

    assert (request.context, request.inline, request.refresh) == (Path("/srv"), "FROM scratch", True)
    assert request.fresh_stages == {"web"}
    assert request.contexts == {
        "a": NamedContext(directory=Path("/files")),
        "b": NamedContext(image="alpine:3"),
        "c": NamedContext(image="shop-base"),
    }
    assert request.secrets == {"key": b"hidden"}
    assert request.sandbox == Sandbox(
        network="none", hosts=(("h", "192.0.2.1"),), shm_bytes=5, entitlements=frozenset({"network.host"})
    )


def test_the_command_line_adds_arguments_and_the_environment_a_date() -> None:
    environment = {"HERE": "x", "SOURCE_DATE_EPOCH": "1000"}
    flags = BuildFlags(args=("A=2", "HERE", "GONE"), memory_bytes=7)
    request = request_for(BUILD, "web", environment=environment, image_of=str, flags=flags)

    assert request.args == {"A": "2", "HERE": "x", "SOURCE_DATE_EPOCH": "1000"}
    assert request.epoch == 1000
    assert request.sandbox.memory_bytes == 7
    with pytest.raises(StackError, match="SOURCE_DATE_EPOCH is 'today', which is no number of seconds"):
        request_for(BUILD, "web", environment={"SOURCE_DATE_EPOCH": "today"}, image_of=str)


def test_agents_are_sockets_of_the_users_own_or_by_path(tmp_path: Path) -> None:
    def agents(build: Build, *, own: str = "", ssh: tuple[str, ...] = ()) -> dict[str, Path]:
        environment = {"SSH_AUTH_SOCK": own} if own else {}
        flags = BuildFlags(ssh=ssh)
        return dict(request_for(build, "w", environment=environment, image_of=str, secrets={}, flags=flags).agents)

    path = tmp_path / "agent"
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(str(path))
        assert agents(Build(context="/", ssh=(("default", ""),)), own=str(path)) == {"default": path}
        assert agents(BUILD, ssh=(f"git={path}",)) == {"git": path}
    with pytest.raises(StackError, match="the build wants the SSH agent 'default', and SSH_AUTH_SOCK names none"):
        agents(BUILD, ssh=("default",))
    (tmp_path / "key").touch()
    with pytest.raises(StackError, match="key is no socket of an SSH agent"):
        agents(BUILD, ssh=(f"default={tmp_path / 'key'}",))


def test_services_that_others_build_on_are_built_first_and_once() -> None:
    def service(name: str, *needs: str) -> Service:
        return Service(name=name, build=Build(context="/", contexts={need: f"service:{need}" for need in needs}))

    def stack(*services: Service) -> Stack:
        by_name = {one.name: one for one in services}
        return Stack(name="shop", directory="/", files=(), networks={}, volumes={}, services=by_name)

    shop = stack(service("web", "base", "tools"), service("tools", "base"), service("base"), service("lone"))
    wanted = [MakeImage(name=f"shop-{name}", services=(name,), builder=name) for name in ("web", "lone", "tools")]

    assert [action.builder for action in builds_in_order(shop, wanted)] == ["base", "tools", "web", "lone"]

    circle = stack(service("a", "b"), service("b", "a"))
    with pytest.raises(FileError, match="the builds of services need each other in a circle: a -> b -> a"):
        builds_in_order(circle, [MakeImage(name="shop-a", services=(), builder="a")])
