"""WordPress on Apache and PHP with MariaDB, from Debian's packages."""

from collections.abc import Callable

from tests.ports import free_port
from tests.stacks.outside import fetch
from tests.stacks.product import Windlass

INSTALLATION = {
    "weblog_title": "A site hauled up by windlass",
    "user_name": "admin",
    "admin_password": "correct-horse-battery",
    "admin_password2": "correct-horse-battery",
    "admin_email": "admin@example.org",
    "pw_weak": "1",
    "blog_public": "0",
}


def test_wordpress_is_installed_over_http_and_is_still_there_after_down_and_up(
    example: Callable[..., Windlass],
) -> None:
    port = free_port()
    site = f"http://127.0.0.1:{port}/"
    wordpress = example("wordpress", WORDPRESS_PORT=str(port))

    wordpress("up", "-d", "--wait")
    assert "<title>WordPress &rsaquo; Installation</title>" in fetch(site)
    assert "<h1>Success!</h1>" in fetch(f"{site}wp-admin/install.php?step=2", INSTALLATION)
    assert "<title>A site hauled up by windlass</title>" in fetch(site)

    wordpress("down")
    wordpress("up", "-d", "--wait")
    assert "<title>A site hauled up by windlass</title>" in fetch(site)
    wordpress("down", "-v")
