"""The smallest example."""

from collections.abc import Callable

from tests.stacks.outside import eventually
from tests.stacks.product import Windlass


def test_hello_says_hello_to_whom_the_environment_names(example: Callable[..., Windlass]) -> None:
    hello = example("hello", WHOM="moon")
    hello("up", "-d")
    eventually(lambda: "greeter-1  | Hello, moon!" in hello("logs").stdout, "its greeting")
    assert hello.ps()["hello-greeter-1"]["State"] == "running"
    hello("down")
    assert hello.ps() == {}
