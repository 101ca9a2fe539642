"""What has changed since an image was built."""

import os
from pathlib import Path

import pytest

from engine.dockerfiles.contexts import opened_context
from engine.dockerfiles.requests import BuildRequest
from engine.dockerfiles.sources import digests, find_sources
from engine.dockerfiles.staleness import BuildInputs, changes_since_build, dockerfile_digest, keep_inputs, seen

DOCKERFILE = "FROM scratch\nCOPY app /app\n"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A context of which an image was built."""
    context = tmp_path / "context"
    (context / "app").mkdir(parents=True)
    (context / "app" / "main.py").write_text("print()\n")
    (context / "README").write_text("read me\n")
    (context / "Dockerfile").write_text(DOCKERFILE)
    with opened_context(context, "Dockerfile") as root:
        sources = find_sources(root, "app")
        files = seen(sources, {path: digest for source in sources for path, digest in digests(source).items()})
    inputs = BuildInputs(
        image_id="sha256:1",
        target="",
        args={"A": "1"},
        dockerfile=dockerfile_digest(DOCKERFILE),
        sources=("app",),
        files=files,
    )
    keep_inputs(tmp_path / "cache", "shop-web", inputs)
    return context


def changed(context: Path, image_id: str = "sha256:1", target: str = "", **args: str) -> tuple[str, ...]:
    request = BuildRequest(context, "shop-web", args=args or {"A": "1"}, target=target)
    return changes_since_build(context.parent / "cache", image_id, request)


def test_nothing_has_changed_where_only_times_did_or_nobody_copies(built: Path) -> None:
    (built / "README").write_text("other\n")
    os.utime(built / "app" / "main.py", (1, 1))

    assert changed(built) == ()


def test_files_that_changed_came_and_went_are_named(built: Path) -> None:
    (built / "app" / "main.py").write_text("PRINT()\n")
    (built / "app" / "new.py").touch()
    assert changed(built) == ("app/main.py", "app/new.py")

    (built / "app" / "main.py").unlink()
    (built / "app" / "new.py").unlink()
    assert changed(built) == ("app/main.py",)


def test_the_dockerfile_its_arguments_and_the_target_count(built: Path) -> None:
    (built / "Dockerfile").write_text(DOCKERFILE + "USER 1\n")

    assert changed(built, target="prod", A="2") == ("Dockerfile", "the target", "argument A")


def test_of_an_image_that_was_not_built_here_nothing_is_known(built: Path) -> None:
    (built / "app" / "main.py").write_text("PRINT()\n")

    assert changed(built, image_id="sha256:2") == ()
    assert changes_since_build(built, "sha256:1", BuildRequest(built, "other")) == ()
