import pytest

from engine.dockerfiles.dockerfile import parse_dockerfile
from engine.dockerfiles.stages import Origin, StagesPlan, plan_stages
from engine.errors import BuildError

FILE = """\
ARG BASE=debian
FROM $BASE:12 AS tools
FROM tools AS build
COPY --from=busybox:1 /bin/sh /bin/
FROM alpine AS unused
FROM scratch
COPY --from=build /app /
COPY --from=0 /x /
"""


def plan(text: str = FILE, target: str = "", **arguments: str) -> StagesPlan:
    return plan_stages(parse_dockerfile(text, "Dockerfile"), arguments, "amd64", target)


def test_only_the_stages_that_are_needed_are_built() -> None:
    found = plan()

    assert [(step.stage.title, step.base) for step in found.stages] == [
        ("tools", Origin(image="debian:12")),
        ("build", Origin(stage=0)),
        ("stage 3", Origin()),
    ]
    assert found.stages[2].origins == {"build": Origin(stage=1), "0": Origin(stage=0)}
    assert found.images == ("debian:12", "busybox:1")


def test_a_target_ends_the_build() -> None:
    assert [step.stage.title for step in plan(target="unused").stages] == ["unused"]
    assert [step.stage.title for step in plan(target="BUILD").stages] == ["tools", "build"]


def test_arguments_choose_the_base() -> None:
    assert plan(BASE="ubuntu").images[0] == "ubuntu:12"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("FROM $X", "Dockerfile:1: FROM $X names no image"),
        ("FROM Debian", "Dockerfile:1: 'Debian' is no image's name"),
        ("FROM --platform=linux/arm64 a", "Dockerfile:1: FROM --platform=linux/arm64: this host is linux/amd64"),
        ("FROM a\nCOPY --from=1 x y", "Dockerfile:1: from=1: there is no such stage before this one"),
    ],
)
def test_names_that_lead_nowhere_are_refused(text: str, message: str) -> None:
    with pytest.raises(BuildError) as caught:
        plan(text)

    assert caught.value.message.startswith(message)


def test_an_unknown_target_names_the_stages() -> None:
    with pytest.raises(BuildError) as caught:
        plan(target="nothing")

    assert caught.value.message == "Dockerfile: there is no stage 'nothing'"
    assert caught.value.hint == "the file's stages: tools, build, unused"
