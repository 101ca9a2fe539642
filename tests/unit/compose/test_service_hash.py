"""Hashes of services' definitions; the literal ones are what Docker Compose 2.40.3 answered."""

from collections.abc import Callable

from compose.deciding.steps import CreateContainer, Plan, Step
from compose.doing.up import _with_hashes
from compose.model import Stack
from compose.printing.service_hash import service_hash
from engine.spec import ContainerSpec, Process

Read = Callable[..., Stack]


def hash_of(read: Read, service: str) -> str:
    return service_hash(read("services: {web: {" + service + "}}"), "web")


def test_it_is_what_docker_compose_prints(read: Read) -> None:
    assert hash_of(read, "image: nginx:x") == "daef5bae034c6ba905a5679382885270b9cff0a3cd3848094778ade9c551959e"
    assert (
        hash_of(read, "image: a, environment: {A: '<&>', B: $$x}, deploy: {replicas: 2}")
        == "058142e4fcacb59988e0d430e3ba62062495065fcb555022d3cdea10157708d5"
    )


def test_what_needs_no_new_container_is_no_part_of_it(read: Read) -> None:
    bare = hash_of(read, "image: a")
    assert hash_of(read, "image: a, build: ., scale: 2, profiles: [], x-own: 1") == bare
    assert hash_of(read, "image: a, labels: {a: b}") != bare


def test_new_containers_carry_it_as_a_label(read: Read) -> None:
    stack = read("services: {web: {image: a}}")
    spec = ContainerSpec(
        id="0" * 64,
        name="proj-web-1",
        stack="proj",
        service="web",
        number=1,
        image_id="sha256:1",
        image_name="a",
        layers=(),
        process=Process(argv=("a",)),
        hostname="web",
        config_hash="another",
        labels={"com.docker.compose.config-hash": "another"},
    )
    (step,) = _with_hashes(
        Plan(stack="proj", steps=(Step(key="k", action=CreateContainer(spec=spec), cause="new"),)), stack
    ).steps

    assert isinstance(step.action, CreateContainer)
    assert step.action.spec.labels["com.docker.compose.config-hash"] == service_hash(stack, "web")
    assert step.action.spec.config_hash == "another"
