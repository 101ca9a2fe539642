"""What a user with a mistake sees: the place, the mistake, what to do; nothing is started."""

import socket
from collections.abc import Callable

from tests.stacks.product import Windlass


def test_every_mistake_of_a_file_is_shown_with_its_place_and_nothing_starts(project: Callable[..., Windlass]) -> None:
    boat = project(
        "services:\n"
        "  web:\n"
        "    image: localhost/bb:1\n"
        "    restrat: always\n"
        "  worker:\n"
        "    image: localhost/bb:1\n"
        "    depends_on: [wbe]\n"
    )
    done = boat("up", "-d", status=1)
    assert "compose.yaml:4:5: services.web has no key 'restrat'" in done.stderr
    assert "did you mean 'restart'?" in done.stderr
    assert "compose.yaml:7:18:" in done.stderr
    assert "wbe" in done.stderr
    assert not boat.roots.stack("boat").directory.exists()


def test_a_missing_command_says_so_and_up_ends_with_127(project: Callable[..., Windlass]) -> None:
    boat = project("services: {web: {image: localhost/bb:1, command: [ngix]}}")
    done = boat("up", "-d", status=None)
    assert done.returncode in (1, 127)
    assert "ngix" in done.stderr
    assert "PATH" in done.stderr
    assert "Traceback" not in done.stderr
    boat("down")


def test_a_port_that_is_taken_names_who_holds_it(project: Callable[..., Windlass]) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        boat = project(
            f"services: {{web: {{image: localhost/bb:1, command: [sleep, '9'], ports: ['127.0.0.1:{port}:80']}}}}"
        )
        done = boat("up", "-d", status=1)
    assert str(port) in done.stderr
    assert "pytest" in done.stderr or "python" in done.stderr
    boat("down")
