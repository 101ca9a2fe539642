"""Many containers in one stack."""

from collections.abc import Callable

from tests.stacks.product import Windlass


def test_three_hundred_containers_of_one_image_start_and_go(project: Callable[..., Windlass]) -> None:
    boat = project(
        "services:\n"
        "  crew:\n"
        "    image: localhost/bb:1\n"
        "    command: [sleep, '1000']\n"
        "    stop_signal: SIGKILL\n"
        "    deploy: {replicas: 300}\n"
    )
    boat("up", "-d")
    assert len(boat.pids()) == 300
    boat("down")
    assert boat.ps() == {}
