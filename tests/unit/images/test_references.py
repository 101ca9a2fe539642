import pytest

from engine.errors import ImageError
from engine.images.references import parse_reference, reference_of_file_name

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "canonical", "familiar"),
    [
        ("redis", "docker.io/library/redis:latest", "redis:latest"),
        ("redis:7.2-alpine", "docker.io/library/redis:7.2-alpine", "redis:7.2-alpine"),
        ("docker.io/redis", "docker.io/library/redis:latest", "redis:latest"),
        ("index.docker.io/library/redis", "docker.io/library/redis:latest", "redis:latest"),
        ("org/app", "docker.io/org/app:latest", "org/app:latest"),
        ("registry.example/org/app:1", "registry.example/org/app:1", "registry.example/org/app:1"),
        ("docker.io/a.b/app", "docker.io/a.b/app:latest", "docker.io/a.b/app:latest"),
        ("docker.io/library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest"),
        ("localhost/app", "localhost/app:latest", "localhost/app:latest"),
        ("localhost:5000/app", "localhost:5000/app:latest", "localhost:5000/app:latest"),
        ("[::1]:5000/app:2", "[::1]:5000/app:2", "[::1]:5000/app:2"),
        ("debootstrap:bookworm", "docker.io/library/debootstrap:bookworm", "debootstrap:bookworm"),
        (f"redis@{DIGEST}", f"docker.io/library/redis@{DIGEST}", f"redis@{DIGEST}"),
        (f"redis:7@{DIGEST}", f"docker.io/library/redis:7@{DIGEST}", f"redis:7@{DIGEST}"),
    ],
)
def test_short_names_mean_what_they_mean_elsewhere(text: str, canonical: str, familiar: str) -> None:
    reference = parse_reference(text)

    assert reference.canonical == canonical
    assert reference.familiar == familiar
    assert reference_of_file_name(reference.file_name) == reference


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "an empty part"),
        ("Redis", "'Redis'"),
        ("a//b", "an empty part"),
        ("../etc", "'..'"),
        ("app:", "'' is no tag"),
        ("app:-x", "'-x' is no tag"),
        ("app@sha256:12", "after @ comes sha256:"),
        ("app@md5:0123", "after @ comes sha256:"),
        ("-app", "'-app'"),
        ("a b", "'a b'"),
        ("x" * 250, "too long"),
    ],
)
def test_wrong_names_are_refused_with_the_part_that_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(ImageError) as caught:
        parse_reference(text)

    assert reason in caught.value.message
    assert "[registry/]name[:tag][@digest]" in caught.value.hint


def test_a_debootstrap_reference_knows_its_suite() -> None:
    assert parse_reference("debootstrap:trixie").suite == "trixie"
    assert parse_reference("redis:trixie").suite == ""
    assert parse_reference("registry.example/library/debootstrap:trixie").suite == ""
