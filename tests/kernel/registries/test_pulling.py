"""What a pull does with registries that answer, ask, break off and lie."""

import gzip
import json
import tarfile

import pytest
import zstandard

from engine.errors import ImageError
from engine.registries.access import Credentials
from tests.kernel.registries.conftest import Puller
from tests.registry import (
    INDEX,
    Asked,
    FakeRegistry,
    Made,
    Reply,
    archive,
    digest_of,
    entry,
    file,
    made_image,
    ranged,
)

HELLO = archive(entry("etc", tarfile.DIRTYPE), file("etc/hello", b"hello"))
BIG = archive(file("big", bytes(range(256)) * 16_384))


def stored(content: bytes) -> bytes:
    return gzip.compress(content, 0)


def test_a_second_pull_asks_once_and_fetches_nothing(puller: Puller, registry: FakeRegistry) -> None:
    name = registry.add("a/b:1", made_image(HELLO))
    first = puller(name)
    registry.asked.clear()
    assert puller(name) == first
    assert [(asked.method, asked.path) for asked in registry.asked] == [("HEAD", "/v2/a/b/manifests/1")]


def test_layers_that_are_here_are_not_fetched_again(puller: Puller, registry: FakeRegistry) -> None:
    puller(registry.add("a/b:1", made_image(HELLO)))
    made = made_image(HELLO, BIG)
    registry.asked.clear()
    image = puller(registry.add("a/c:1", made))
    blobs = [asked.path.rpartition("/")[2] for asked in registry.asked if "/blobs/" in asked.path]
    assert made.layers[0] not in blobs
    assert made.layers[1] in blobs
    assert (puller.store.layer_directories(image)[0] / "etc" / "hello").read_text() == "hello"


def test_a_name_that_moved_gives_the_new_image(puller: Puller, registry: FakeRegistry) -> None:
    name = registry.add("a/b:1", made_image(HELLO))
    old = puller(name)
    registry.add("a/b:1", made_image(BIG))
    new = puller(name)
    assert new.id != old.id
    assert puller.store.find(name) == new


def test_an_image_is_pulled_by_its_digest(puller: Puller, registry: FakeRegistry) -> None:
    made = made_image(HELLO)
    registry.add("a/b:1", made)
    name = f"{registry.address}/a/b@{digest_of(made.manifest)}"
    assert puller.store.find(name) is None
    assert puller(name) == puller.store.find(name)


def test_zstd_and_plain_layers_are_unpacked(puller: Puller, registry: FakeRegistry) -> None:
    for tag, pack in (("zstd", zstandard.ZstdCompressor().compress), ("plain", bytes)):
        content = archive(file(tag, b"x"))
        image = puller(registry.add(f"a/b:{tag}", made_image(content, pack=pack)))
        assert (puller.store.layer_directories(image)[0] / tag).read_text() == "x"


def test_of_an_index_the_image_of_this_machine_is_taken(puller: Puller, registry: FakeRegistry) -> None:
    mine, other = made_image(HELLO), made_image(BIG, architecture="vax")
    for made in (mine, other):
        registry.add("a/b:x", made)
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [listed(other, "vax"), listed(mine, own(mine))]}
    content = json.dumps(index).encode()
    registry.manifests["/v2/a/b/manifests/1"] = (INDEX, content)
    image = puller(f"{registry.address}/a/b:1")
    assert image.layers == (digest_of(HELLO),)
    only_other = json.dumps({**index, "manifests": [listed(other, "vax")]}).encode()
    registry.manifests["/v2/a/b/manifests/2"] = (INDEX, only_other)
    with pytest.raises(ImageError, match="not made for linux/") as refused:
        puller(f"{registry.address}/a/b:2")
    assert refused.value.hint == "it is there for linux/vax"


def own(made: Made) -> str:
    config = json.loads(made.blobs[json.loads(made.manifest)["config"]["digest"]])
    return str(config["architecture"])


def listed(made: Made, architecture: str) -> dict[str, object]:
    return {
        "mediaType": made.media_type,
        "digest": digest_of(made.manifest),
        "size": len(made.manifest),
        "platform": {"os": "linux", "architecture": architecture},
    }


def test_a_broken_download_is_gone_on_with(puller: Puller, registry: FakeRegistry) -> None:
    made = made_image(BIG, pack=stored)
    name = registry.add("a/b:1", made)
    breaks = iter((100_000, 500_000))

    def break_off(asked: Asked) -> Reply | None:
        if made.layers[0] in asked.path:
            return ranged(made.blobs[made.layers[0]], asked)._replace(sends=next(breaks, None))
        return None

    registry.odd = break_off
    puller(name)
    begins = [asked.headers.get("range", "") for asked in registry.asked if made.layers[0] in asked.path]
    assert begins[0] == ""
    assert begins[1:] == ["bytes=100000-", "bytes=600000-"]
    assert puller.pauses == [0.5, 1.0]


def test_the_next_pull_goes_on_where_one_gave_up(puller: Puller, registry: FakeRegistry) -> None:
    made = made_image(BIG, pack=stored)
    name = registry.add("a/b:1", made)
    blob = made.blobs[made.layers[0]]
    registry.odd = lambda asked: ranged(blob, asked)._replace(sends=1000) if made.layers[0] in asked.path else None
    with pytest.raises(ImageError, match="broke off"):
        puller(name)
    assert puller.is_clean()
    registry.odd = lambda _asked: None
    registry.asked.clear()
    puller(name)
    begins = [asked.headers.get("range") for asked in registry.asked if made.layers[0] in asked.path]
    assert begins == ["bytes=3000-"]
    assert list((puller.store.cache / "downloads").iterdir()) == []


def test_a_registry_without_ranges_is_asked_for_the_whole(puller: Puller, registry: FakeRegistry) -> None:
    made = made_image(BIG, pack=stored)
    name = registry.add("a/b:1", made)
    breaks = iter((1000,))
    registry.odd = lambda asked: (
        Reply(200, made.blobs[made.layers[0]], sends=next(breaks, None)) if made.layers[0] in asked.path else None
    )
    puller(name)


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        (lambda blob: b"\0" * len(blob), "other content than its digest names"),
        (lambda blob: blob + b"more", "more bytes than it announced"),
        (lambda blob: blob[:-10], "only "),
    ],
)
def test_a_lying_registry_is_found_out(puller: Puller, registry: FakeRegistry, lie: object, said: str) -> None:
    made = made_image(HELLO)
    name = registry.add("a/b:1", made)
    assert callable(lie)
    registry.blobs[f"/v2/a/b/blobs/{made.layers[0]}"] = lie(made.blobs[made.layers[0]])
    with pytest.raises(ImageError, match=said):
        puller(name)
    assert puller.is_clean()
    registry.add("a/b:1", made)
    puller(name)


def test_a_layer_with_another_content_than_the_image_says_is_refused(puller: Puller, registry: FakeRegistry) -> None:
    made = made_image(HELLO)
    fields = json.loads(made.manifest)
    other = gzip.compress(BIG)
    fields["layers"][0] |= {"digest": digest_of(other), "size": len(other)}
    lying = Made(json.dumps(fields).encode(), {**made.blobs, digest_of(other): other}, (digest_of(other),))
    with pytest.raises(ImageError, match="it contains other files than the image says"):
        puller(registry.add("a/b:1", lying))
    assert puller.is_clean()


def test_an_image_that_is_not_there_is_told(puller: Puller, registry: FakeRegistry) -> None:
    with pytest.raises(ImageError, match=f"cannot pull {registry.address}/a/b:1: .* does not have it"):
        puller(f"{registry.address}/a/b:1")


def test_a_failing_registry_is_asked_again_with_growing_pauses(puller: Puller, registry: FakeRegistry) -> None:
    registry.odd = lambda _asked: Reply(503)
    with pytest.raises(ImageError, match="HTTP 503"):
        puller(f"{registry.address}/a/b:1")
    assert puller.pauses == [0.5, 1.0]


def secret_in(registry: FakeRegistry) -> bool:
    return any("authorization" in asked.headers for asked in registry.asked)


def basic(registry: FakeRegistry, expected: str) -> None:
    """The registry answers those alone who have the right header."""
    registry.odd = lambda asked: (
        None
        if asked.headers.get("authorization") == expected
        else Reply(401, b"{}", {"WWW-Authenticate": 'Basic realm="here"'})
    )


def test_name_and_password_are_told_to_a_registry_that_asks(puller: Puller, registry: FakeRegistry) -> None:
    name = registry.add("a/b:1", made_image(HELLO))
    basic(registry, "Basic bWU6cHc=")
    with pytest.raises(ImageError, match="refuses access") as refused:
        puller(name)
    assert refused.value.hint == f"it may not exist, or be private: windlass login {registry.address}"
    assert not secret_in(registry)
    puller.credentials[registry.address] = Credentials("me", "wrong")
    with pytest.raises(ImageError, match="refuses access"):
        puller(name)
    puller.credentials[registry.address] = Credentials("me", "pw")
    puller(name)


def bearer(registry: FakeRegistry, realm: str, issued: str = "let-me-in") -> None:
    def answer(asked: Asked) -> Reply | None:
        if asked.path.startswith("/token"):
            return Reply(200, json.dumps({"token": issued}).encode())
        if asked.headers.get("authorization") == "Bearer let-me-in":
            return None
        wanted = f'Bearer realm="{realm}",service="s",scope="repository:a/b:pull"'
        return Reply(401, b"{}", {"WWW-Authenticate": wanted})

    registry.odd = answer


def test_a_token_is_fetched_once_and_used(puller: Puller, registry: FakeRegistry) -> None:
    name = registry.add("a/b:1", made_image(HELLO, BIG))
    bearer(registry, f"http://{registry.address}/token")
    puller.credentials[registry.address] = Credentials("me", "pw")
    puller(name)
    asked = [asked for asked in registry.asked if asked.path.startswith("/token")]
    assert [(each.path, each.headers["authorization"]) for each in asked] == [
        ("/token?service=s&scope=repository%3Aa%2Fb%3Apull", "Basic bWU6cHc=")
    ]


def test_a_token_service_elsewhere_is_not_told_the_password(
    puller: Puller, registry: FakeRegistry, evil: FakeRegistry
) -> None:
    name = registry.add("a/b:1", made_image(HELLO))
    bearer(registry, f"http://{evil.address}/token")
    evil.odd = lambda _asked: Reply(200, b'{"token": "let-me-in"}')
    puller.credentials[registry.address] = Credentials("me", "pw")
    puller(name)
    assert evil.asked
    assert not secret_in(evil)


def test_a_wrong_token_is_not_asked_for_without_end(puller: Puller, registry: FakeRegistry) -> None:
    name = registry.add("a/b:1", made_image(HELLO))
    bearer(registry, f"http://{registry.address}/token", issued="useless")
    with pytest.raises(ImageError, match="refuses access"):
        puller(name)
    assert len(registry.asked) == 3


def test_a_redirect_is_followed_without_credentials(puller: Puller, registry: FakeRegistry, evil: FakeRegistry) -> None:
    made = made_image(HELLO)
    name = registry.add("a/b:1", made)
    evil.add("a/b:1", made)

    def redirect(asked: Asked) -> Reply | None:
        if asked.headers.get("authorization") != "Basic bWU6cHc=":
            return Reply(401, b"{}", {"WWW-Authenticate": "Basic"})
        if "/blobs/" in asked.path:
            return Reply(307, b"", {"Location": f"http://{evil.address}{asked.path}"})
        return None

    registry.odd = redirect
    puller.credentials[registry.address] = Credentials("me", "pw")
    puller(name)
    assert len(evil.asked) == 2
    assert not secret_in(evil)


def test_redirects_end(puller: Puller, registry: FakeRegistry) -> None:
    registry.odd = lambda asked: Reply(302, b"", {"Location": asked.path})
    with pytest.raises(ImageError, match="without end"):
        puller(f"{registry.address}/a/b:1")


def test_a_redirect_to_plain_http_elsewhere_is_refused(puller: Puller, registry: FakeRegistry) -> None:
    registry.odd = lambda _asked: Reply(302, b"", {"Location": "http://192.0.2.1/x"})
    with pytest.raises(ImageError, match=r"leads to 192\.0\.2\.1 without encryption"):
        puller(f"{registry.address}/a/b:1")


def test_a_manifest_of_a_gigabyte_is_not_read(puller: Puller, registry: FakeRegistry) -> None:
    registry.odd = lambda _asked: Reply(200, bytes((4 << 20) + 1), {"Content-Type": INDEX})
    with pytest.raises(ImageError, match="more than 4,194,304 bytes"):
        puller(f"{registry.address}/a/b:1")
