"""What is fetched from mirrors, and what through proxies."""

import gzip

import pytest

from engine.errors import ImageError
from engine.registries.access import Credentials
from engine.registries.endpoints import Settings
from engine.registries.proxies import read_proxies
from tests.kernel.registries.conftest import Puller
from tests.registry import Asked, FakeRegistry, Reply, archive, file, made_image, ranged

HELLO = archive(file("hello", b"hello"))
BIG = archive(file("big", bytes(range(256)) * 16_384))


@pytest.fixture
def mirror(puller: Puller, registry: FakeRegistry, evil: FakeRegistry) -> FakeRegistry:
    """The second registry, as a mirror of the first one."""
    puller.settings = Settings(mirrors={registry.address: (evil.address,)})
    return evil


def test_what_a_mirror_has_comes_from_it(puller: Puller, registry: FakeRegistry, mirror: FakeRegistry) -> None:
    mirror.add("a/b:1", made_image(HELLO))
    puller(f"{registry.address}/a/b:1")
    assert not registry.asked
    puller(f"{registry.address}/a/b:1")
    assert mirror.asked[-1].method == "HEAD"
    assert not registry.asked


def test_what_a_mirror_lacks_comes_from_the_registry(
    puller: Puller, registry: FakeRegistry, mirror: FakeRegistry
) -> None:
    made = made_image(HELLO, BIG)
    name = registry.add("a/b:1", made)
    mirror.add("a/b:1", made)
    del mirror.blobs[f"/v2/a/b/blobs/{made.layers[1]}"]
    puller(name)
    assert [asked.path for asked in registry.asked] == [f"/v2/a/b/blobs/{made.layers[1]}"]


@pytest.mark.parametrize("reply", [Reply(404), Reply(403), Reply(503), Reply(200, b"nonsense"), Reply(hangs_up=True)])
def test_a_mirror_that_does_not_work_is_passed_over(
    puller: Puller, registry: FakeRegistry, mirror: FakeRegistry, reply: Reply
) -> None:
    mirror.odd = lambda _asked: reply
    puller(registry.add("a/b:1", made_image(HELLO)))
    assert puller.pauses == []


def test_a_mirror_that_breaks_off_leaves_the_rest_to_the_registry(
    puller: Puller, registry: FakeRegistry, mirror: FakeRegistry
) -> None:
    made = made_image(BIG, pack=lambda content: gzip.compress(content, 0))
    name = registry.add("a/b:1", made)
    mirror.add("a/b:1", made)
    blob = made.blobs[made.layers[0]]
    mirror.odd = lambda asked: ranged(blob, asked)._replace(sends=1000) if made.layers[0] in asked.path else None
    puller(name)
    assert [asked.headers.get("range") for asked in registry.asked] == ["bytes=3000-"]


def test_a_lying_mirror_is_found_out(puller: Puller, registry: FakeRegistry, mirror: FakeRegistry) -> None:
    made = made_image(HELLO)
    name = registry.add("a/b:1", made)
    mirror.add("a/b:1", made)
    mirror.blobs[f"/v2/a/b/blobs/{made.layers[0]}"] = bytes(len(made.blobs[made.layers[0]]))
    puller(name)
    assert [asked.path for asked in registry.asked] == [f"/v2/a/b/blobs/{made.layers[0]}"]


def test_a_mirror_is_not_told_the_registrys_password(
    puller: Puller, registry: FakeRegistry, mirror: FakeRegistry
) -> None:
    mirror.odd = lambda _asked: Reply(401, b"{}", {"WWW-Authenticate": "Basic"})
    puller.credentials[registry.address] = Credentials("me", "pw")
    name = registry.add("a/b:1", made_image(HELLO))
    puller(name)
    assert mirror.asked
    assert not any("authorization" in asked.headers for asked in mirror.asked)
    puller.credentials[mirror.address] = Credentials("me", "mirrors")
    mirror.asked.clear()
    puller(name)
    assert mirror.asked[-1].headers["authorization"] == "Basic bWU6bWlycm9ycw=="


def test_when_nobody_has_it_the_mirrors_reasons_are_told(
    puller: Puller, registry: FakeRegistry, mirror: FakeRegistry
) -> None:
    with pytest.raises(ImageError) as refused:
        puller(f"{registry.address}/a/b:1")
    assert refused.value.message == (
        f"cannot pull {registry.address}/a/b:1: the registry {registry.address} does not have it; "
        f"mirror {mirror.address}: the registry {mirror.address} does not have it"
    )


def test_a_mirror_may_have_a_path(puller: Puller, registry: FakeRegistry, mirror: FakeRegistry) -> None:
    puller.settings = Settings(mirrors={"docker.io": (f"{mirror.address}/hub",)})
    mirror.add("hub/library/redis:7", made_image(HELLO))
    puller("redis:7")
    assert not registry.asked


def test_plain_requests_go_to_the_proxy_whole(puller: Puller, registry: FakeRegistry) -> None:
    registry.add("a/b:1", made_image(HELLO))
    puller.settings = Settings(insecure=("registry.test:5000",))
    puller.proxies = read_proxies({"HTTP_PROXY": f"http://me:pw@{registry.address}"})
    whole = "http://registry.test:5000"

    def through(asked: Asked) -> Reply | None:
        assert asked.headers["proxy-authorization"] == "Basic bWU6cHc="
        assert asked.headers["host"] == "registry.test:5000"
        return registry.reply(asked._replace(path=asked.path.removeprefix(whole))) if whole in asked.path else None

    registry.odd = through
    puller("registry.test:5000/a/b:1")
    assert {asked.path.partition("/v2/")[0] for asked in registry.asked} == {whole}


def test_encrypted_requests_ask_the_proxy_for_a_tunnel(puller: Puller, registry: FakeRegistry) -> None:
    registry.odd = lambda _asked: Reply(407)
    puller.proxies = read_proxies({"HTTPS_PROXY": f"http://me:pw@{registry.address}"})
    with pytest.raises(ImageError, match="Tunnel connection failed: 407"):
        puller("registry.test/a/b:1")
    assert (registry.asked[0].method, registry.asked[0].path) == ("CONNECT", "registry.test:443")
    assert registry.asked[0].headers["proxy-authorization"] == "Basic bWU6cHc="
