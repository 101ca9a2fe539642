"""A router whose holder was killed between any two steps is carried on with, or removed, by the next one."""

import itertools
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from net.nftables import Nftables
from net.rtnetlink import Rtnetlink
from net.spec import Endpoint, NetworkSpec, PublishedPort
from tests.kernel.net.conftest import Namespaces, Stack, listening, reaches

pytestmark = pytest.mark.root

WEB = "aa" * 32
STEPS = ((Rtnetlink, "send"), (Nftables, "apply"), (Path, "rename"), (Path, "mkdir"), (Path, "unlink"), (Path, "rmdir"))


class Killed(BaseException):
    """Stands for the end of the process: no handler for errors sees it."""


@contextmanager
def killed_at(step: int, patches: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Let one step happen, the `step`th, and nothing after it. Gives the count of steps that happened."""
    count = [0]

    def counting(original: Callable[..., Any]) -> Callable[..., Any]:
        def stepping(*arguments: Any, **named: Any) -> Any:
            if count[0] == step:
                raise Killed
            count[0] += 1
            return original(*arguments, **named)

        return stepping

    with patches.context() as patch:
        for kind, name in STEPS:
            patch.setattr(kind, name, counting(getattr(kind, name)))
        yield count


def bring_up(stack: Stack, namespace_fd: int) -> None:
    stack.router = stack.open()
    stack.router.reconcile()
    stack.router.ensure_network(NetworkSpec(name="one_default"))
    attachments = stack.router.lease(WEB, [Endpoint(network="one_default")])
    stack.router.attach(WEB, attachments, namespace_fd)
    stack.router.publish(WEB, "web-1", attachments, [PublishedPort(container_port=80, host_port=8080)])


def take_down(stack: Stack) -> None:
    stack.router = stack.open()
    stack.router.withdraw(WEB)
    stack.router.release(WEB)
    for name in tuple(stack.router.networks):
        stack.router.remove_network(name)
    stack.router.remove()


def what_is_left(stack: Stack) -> list[str]:
    links = {name for _, name in socket.if_nameindex()} - {"lo"}
    return [*links, *(path.name for path in stack.networks.rglob("*"))]


def test_whatever_step_of_bringing_up_is_the_last_the_next_holder_finishes(
    new_stack: Callable[[str], Stack], namespaces: Namespaces, host: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = new_stack("one")
    stack.router.remove()
    for step in itertools.count():
        namespace_fd = namespaces.make()
        with killed_at(step, monkeypatch) as steps:
            try:
                bring_up(stack, namespace_fd)
            except Killed:
                pass
            else:
                assert steps[0] <= step
                break
            finally:
                stack.router.close()
        bring_up(stack, namespaces.make())
        assert reaches(host, "172.16.0.2", 80) is False  # refused: the container is there, nobody listens
        assert [path.name for path in (stack.networks / "one_default" / "leases").iterdir()] == ["172.16.0.2"]
        stack.router.close()
        take_down(stack)
        assert what_is_left(stack) == []
    assert step > 10


def test_whatever_step_of_taking_down_is_the_last_the_next_holder_leaves_nothing(
    new_stack: Callable[[str], Stack], namespaces: Namespaces, host: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = new_stack("one")
    for step in itertools.count():
        stack.router.close()
        namespace_fd = namespaces.make()
        bring_up(stack, namespace_fd)
        with listening(namespace_fd, "0.0.0.0", 80):
            assert reaches(host, "127.0.0.1", 8080)
        stack.router.close()
        with killed_at(step, monkeypatch) as steps:
            try:
                take_down(stack)
            except Killed:
                finished = False
            else:
                assert steps[0] <= step
                finished = True
        stack.router.close()
        take_down(stack)
        assert what_is_left(stack) == []
        if finished:
            break
    assert step > 8
