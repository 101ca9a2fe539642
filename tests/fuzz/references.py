"""Fuzzes the reader of images' names: what it takes has one canonical form, and is a safe file name."""

from tests.fuzz.driving import drive, instrumented

with instrumented("engine"):
    from engine.errors import ImageError
    from engine.images.references import parse_reference, reference_of_file_name

SEEDS = (
    "redis",
    "redis:7-alpine",
    "library/redis:7",
    "docker.io/library/redis",
    "index.docker.io/redis",
    "debootstrap:bookworm",
    "localhost:5000/team/app:v1.2_3",
    "[::1]:5000/app",
    "reg.example.com:443/a/b__c/d-e:tag@sha256:" + "0" * 64,
    "app@sha256:" + "a" * 64,
    "../../etc/passwd",
    "a/../b",
    "%2e%2e/app",
    "Registry/app",
    "\u00e4/app:\n",
)


def check(data: bytes) -> None:
    text = data.decode(errors="surrogateescape")
    try:
        reference = parse_reference(text)
    except ImageError as error:
        assert error.message  # noqa: PT017 -- either end is right
        return
    assert parse_reference(reference.canonical) == reference
    assert parse_reference(reference.familiar) == reference
    assert reference_of_file_name(reference.file_name) == reference
    assert "/" not in reference.file_name
    assert reference.file_name not in {".", ".."}
    assert len(reference.file_name.encode()) < 255
    assert reference.canonical.isascii()


if __name__ == "__main__":
    drive(check, (seed.encode() for seed in SEEDS), longest=400)
