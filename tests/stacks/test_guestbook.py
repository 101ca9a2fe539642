"""nginx, two replicas of a Python program and Redis: served, linked, balanced, kept."""

from collections.abc import Callable

from tests.ports import free_port
from tests.stacks.outside import fetch
from tests.stacks.product import Windlass


def test_entries_are_signed_through_every_tier_and_survive_down_and_up(example: Callable[..., Windlass]) -> None:
    port = free_port()
    page = f"http://127.0.0.1:{port}/"
    guestbook = example("guestbook", GUESTBOOK_PORT=str(port))

    guestbook("up", "-d", "--wait")
    assert {name: container["Health"] for name, container in guestbook.ps().items()} == {
        "guestbook-application-1": "healthy",
        "guestbook-application-2": "healthy",
        "guestbook-redis-1": "healthy",
        "guestbook-web-1": "healthy",
    }
    assert "<p>0 signed." in fetch(page)
    assert "<li><b>Ann</b>: Ahoy &amp; hello</li>" in fetch(page, {"name": "Ann", "text": "Ahoy & hello"})
    served_by = {fetch(page).partition("Served by ")[2] for _ in range(20)}
    assert len(served_by) == 2, "both replicas answer"

    guestbook("down")
    assert guestbook.ps() == {}
    guestbook("up", "-d", "--wait")
    assert "<li><b>Ann</b>: Ahoy &amp; hello</li>" in fetch(page)

    unchanged = guestbook.pids()
    guestbook("up", "-d")
    assert guestbook.pids() == unchanged

    guestbook("down", "-v")
    guestbook("up", "-d", "--wait")
    assert "<p>0 signed." in fetch(page)
    guestbook("down", "-v")
