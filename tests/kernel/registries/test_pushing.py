"""What a push does with registries that take, ask, break off and lie."""

import json
import tarfile
from pathlib import Path

import pytest
import zstandard

from engine.errors import ImageError
from engine.images.model import Image, ImageConfig
from engine.registries.access import Credentials
from tests.docker_registry import docker_registry
from tests.kernel.registries.conftest import Puller
from tests.registry import Asked, FakeRegistry, Reply, archive, digest_of, entry, file, made_image

HELLO = archive(entry("etc", tarfile.DIRTYPE), file("etc/hello", b"hello"))
NOISE = b"".join(digest_of(str(number).encode()).encode() for number in range(300_000))  # 10 MB when packed
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


@pytest.fixture
def local(puller: Puller, tmp_path: Path) -> Image:
    """An image that was made here."""
    tree = tmp_path / "images" / "made"
    (tree / "etc").mkdir(parents=True)
    (tree / "etc" / "hello").write_text("hello")
    return made_here(puller, tree)


def made_here(puller: Puller, tree: Path) -> Image:
    layer = puller.store.add_layer(tree)
    return puller.store.add_image(
        ImageConfig(command=("cat", "/etc/hello")), (layer,), created_ns=0, architecture=machine()
    )


def machine() -> str:
    (document,) = made_image().blobs.values()
    return str(json.loads(document)["architecture"])


@pytest.fixture
def other(tmp_path: Path) -> Puller:
    """Somebody else's store."""
    return Puller(tmp_path / "other")


def named(puller: Puller, image: Image, name: str) -> str:
    puller.store.tag(name, image)
    return name


def test_what_was_pushed_is_pulled_elsewhere(
    puller: Puller, other: Puller, registry: FakeRegistry, local: Image
) -> None:
    name = named(puller, local, f"{registry.address}/a/b:1")
    digest = puller.push(name)
    pulled = other(name)
    assert pulled == local
    assert other.store.origin(name).digest == digest  # type: ignore[union-attr]
    assert (other.store.layer_directories(pulled)[0] / "etc" / "hello").read_text() == "hello"
    assert [news.word for news in puller.news if news.over] == ["Pushed"]


def test_debians_registry_takes_and_keeps_it(puller: Puller, other: Puller, local: Image) -> None:
    with docker_registry() as address:
        name = named(puller, local, f"{address}/a/b:1")
        digest = puller.push(name)
        assert other(name) == local
        assert puller.push(name) == digest
        assert other(f"{address}/a/b@{digest}") == local


def test_pieces_go_to_debians_registry(puller: Puller, other: Puller, tmp_path: Path) -> None:
    tree = tmp_path / "images" / "big"
    tree.mkdir(parents=True)
    (tree / "noise").write_bytes(NOISE)
    image = made_here(puller, tree)
    with docker_registry() as address:
        name = named(puller, image, f"{address}/a/b:1")
        puller.push(name)
        sent = [news.bytes_here for news in puller.news if news.bytes_here]
        assert sent[0] == 8 << 20
        assert len(sent) == 2
        assert (other.store.layer_directories(other(name))[0] / "noise").read_bytes() == NOISE


def test_a_second_push_sends_no_layer(puller: Puller, registry: FakeRegistry, local: Image) -> None:
    name = named(puller, local, f"{registry.address}/a/b:1")
    puller.push(name)
    registry.asked.clear()
    puller.push(name)
    assert [asked.method for asked in registry.asked] == ["HEAD", "HEAD", "PUT"]
    assert [news.word for news in puller.news if news.over] == ["Pushed", "Layer already exists"]


def test_a_layer_of_a_neighbouring_repository_is_mounted(puller: Puller, registry: FakeRegistry) -> None:
    made = made_image(HELLO)
    image = puller(registry.add("a/b:1", made))
    name = named(puller, image, f"{registry.address}/c/d:2")
    puller.news.clear()
    registry.asked.clear()
    puller.push(name)
    assert [news.word for news in puller.news if news.over] == ["Mounted from a/b"]
    posts = [asked.path for asked in registry.asked if asked.method == "POST"]
    assert f"/v2/c/d/blobs/uploads/?mount={made.layers[0].replace(':', '%3A')}&from=a%2Fb" in posts
    assert f"/v2/c/d/blobs/{made.layers[0]}" in registry.blobs


def test_a_registry_that_does_not_mount_gets_the_layer(puller: Puller, registry: FakeRegistry) -> None:
    image = puller(registry.add("a/b:1", made_image(HELLO)))
    name = named(puller, image, f"{registry.address}/c/d:2")
    registry.odd = lambda asked: (
        registry.taken(asked._replace(path=asked.path.partition("?")[0])) if "mount=" in asked.path else None
    )
    puller.push(name)
    assert puller.news[-1].word == "Pushed"
    assert len(registry.uploads) == 1  # the one that it was told to forget


def test_a_pulled_layer_is_packed_again_for_another_registry(
    puller: Puller, other: Puller, registry: FakeRegistry
) -> None:
    image = puller(registry.add("a/b:1", made_image(HELLO, NOISY, pack=zstandard.ZstdCompressor().compress)))
    with docker_registry() as address:
        name = named(puller, image, f"{address}/a/b:1")
        puller.push(name)
        assert other(name) == image


NOISY = archive(file("noise", NOISE[:100_000]))


def test_an_image_in_dockers_form_stays_in_it(puller: Puller, registry: FakeRegistry) -> None:
    made = made_image(HELLO)
    fields = json.loads(made.manifest)
    fields["layers"][0]["mediaType"] = DOCKER_LAYER
    image = puller(registry.add("a/b:1", made._replace(manifest=json.dumps(fields).encode())))
    puller.push(named(puller, image, f"{registry.address}/c/d:2"))
    kind, content = registry.manifests["/v2/c/d/manifests/2"]
    assert kind == "application/vnd.docker.distribution.manifest.v2+json"
    assert json.loads(content) == {
        "schemaVersion": 2,
        "mediaType": kind,
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "digest": image.id,
            "size": fields["config"]["size"],
        },
        "layers": fields["layers"],
    }


def test_an_upload_that_breaks_off_goes_on(
    puller: Puller, other: Puller, registry: FakeRegistry, tmp_path: Path
) -> None:
    tree = tmp_path / "images" / "big"
    tree.mkdir(parents=True)
    (tree / "noise").write_bytes(NOISE)
    name = named(puller, made_here(puller, tree), f"{registry.address}/a/b:1")
    breaks = iter([True])

    def break_off(asked: Asked) -> Reply | None:
        if asked.method == "PATCH" and next(breaks, False):
            registry.uploads[asked.path.partition("?")[0]] += asked.body[: 3 << 20]
            return Reply(hangs_up=True)
        return None

    registry.odd = break_off
    puller.push(name)
    sent = [asked.headers["content-range"] for asked in registry.asked if "content-range" in asked.headers]
    assert sent[0] == "0-8388607"
    assert sent[1].startswith("3145728-")
    assert puller.pauses == [0.5]
    other(name)


def test_a_registry_that_wants_no_pieces_gets_the_whole(
    puller: Puller, other: Puller, registry: FakeRegistry, tmp_path: Path
) -> None:
    tree = tmp_path / "images" / "big"
    tree.mkdir(parents=True)
    (tree / "noise").write_bytes(NOISE)
    name = named(puller, made_here(puller, tree), f"{registry.address}/a/b:1")
    registry.odd = lambda asked: Reply(405) if asked.method == "PATCH" else None
    puller.push(name)
    other(name)


def test_a_failing_registry_is_asked_again_after_the_time_that_it_names(
    puller: Puller, registry: FakeRegistry, local: Image
) -> None:
    name = named(puller, local, f"{registry.address}/a/b:1")
    answers = iter([Reply(429, b"", {"Retry-After": "7"}), Reply(503)])
    registry.odd = lambda asked: next(answers, None) if asked.method == "PUT" else None
    puller.push(name)
    assert puller.pauses == [7.0, 1.0]


def test_a_registry_that_wants_to_be_left_alone_for_long_is(
    puller: Puller, registry: FakeRegistry, local: Image
) -> None:
    name = named(puller, local, f"{registry.address}/a/b:1")
    registry.odd = lambda _asked: Reply(429, b"", {"Retry-After": "3600"})
    with pytest.raises(ImageError, match="has had too many requests") as refused:
        puller.push(name)
    assert refused.value.hint == "it asks to be left alone for 3600 seconds"
    assert puller.pauses == []


def test_a_registry_that_says_it_got_something_else_is_not_believed(
    puller: Puller, registry: FakeRegistry, local: Image
) -> None:
    name = named(puller, local, f"{registry.address}/a/b:1")
    registry.odd = lambda asked: (
        Reply(201, b"", {"Docker-Content-Digest": digest_of(b"")}) if asked.method == "PUT" else None
    )
    with pytest.raises(ImageError, match="says that it got"):
        puller.push(name)


def test_a_refusal_is_told_in_the_registrys_words(puller: Puller, registry: FakeRegistry, local: Image) -> None:
    name = named(puller, local, f"{registry.address}/a/b:1")
    words = b'{"errors": [{"code": "DENIED", "message": "the quota is used up\\u001b[1m"}]}'
    registry.odd = lambda asked: Reply(413, words) if asked.method == "POST" else None
    with pytest.raises(ImageError) as refused:
        puller.push(name)
    assert refused.value.message == (
        f"cannot push {name}: the registry {registry.address} takes no upload (HTTP 413: the quota is used up?[1m)"
    )


def test_what_is_not_here_and_what_has_no_tag_is_not_pushed(
    puller: Puller, registry: FakeRegistry, local: Image
) -> None:
    with pytest.raises(ImageError, match="there is no such image here"):
        puller.push(f"{registry.address}/a/b:1")
    with pytest.raises(ImageError, match="only a tag can be pushed"):
        puller.push(f"{registry.address}/a/b@{local.id}")


def test_a_token_for_pushing_may_pull_from_neighbours(puller: Puller, registry: FakeRegistry) -> None:
    image = puller(registry.add("a/b:1", made_image(HELLO)))
    name = named(puller, image, f"{registry.address}/c/d:2")

    def answer(asked: Asked) -> Reply | None:
        if asked.path.startswith("/token"):
            return Reply(200, b'{"token": "let-me-in"}')
        if asked.headers.get("authorization") == "Bearer let-me-in":
            return None
        challenge = f'Bearer realm="http://{registry.address}/token",service="s",scope="repository:c/d:pull"'
        return Reply(401, b"{}", {"WWW-Authenticate": challenge})

    registry.odd = answer
    puller.credentials[registry.address] = Credentials("me", "pw")
    puller.push(name)
    (asked,) = [asked for asked in registry.asked if asked.path.startswith("/token")]
    assert asked.path == "/token?service=s&scope=repository%3Ac%2Fd%3Apull%2Cpush&scope=repository%3Aa%2Fb%3Apull"
    assert asked.headers["authorization"] == "Basic bWU6cHc="


def test_an_upload_elsewhere_is_not_told_the_password(
    puller: Puller, registry: FakeRegistry, evil: FakeRegistry, local: Image
) -> None:
    name = named(puller, local, f"{registry.address}/a/b:1")

    def answer(asked: Asked) -> Reply | None:
        if asked.headers.get("authorization") != "Basic bWU6cHc=":
            return Reply(401, b"{}", {"WWW-Authenticate": "Basic"})
        if asked.method == "POST":
            return Reply(202, b"", {"Location": f"http://{evil.address}/upload"})
        return None

    registry.odd = answer
    evil.odd = lambda asked: Reply(201) if asked.method == "PUT" else Reply(404)
    puller.credentials[registry.address] = Credentials("me", "pw")
    puller.push(name)
    assert [asked.method for asked in evil.asked] == ["PUT", "PUT"]
    assert not any("authorization" in asked.headers for asked in evil.asked)


def test_a_layer_that_was_damaged_here_is_not_pushed(puller: Puller, registry: FakeRegistry, local: Image) -> None:
    name = named(puller, local, f"{registry.address}/a/b:1")
    (puller.store.layer_directories(local)[0] / "etc" / "hello").write_text("other")
    with pytest.raises(ImageError, match="cannot be written as the archive that it came from"):
        puller.push(name)
    assert not registry.manifests
