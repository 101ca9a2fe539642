"""Whatever stands in a file, reading it ends with a value or with an error of ours."""

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from engine.dockerfiles.dockerfile import parse_dockerfile
from engine.dockerfiles.ignoring import parse_ignore_rules
from engine.dockerfiles.problems import Mistake
from engine.dockerfiles.settings import Given, Settings, after
from engine.dockerfiles.stages import plan_stages
from engine.dockerfiles.words import expand, expand_text, split
from engine.errors import BuildError, ImageError
from engine.images.model import ImageConfig
from engine.images.references import parse_reference, reference_of_file_name

WORDS = st.sampled_from(
    [
        *("FROM", "RUN", "COPY", "ADD", "ENV", "ARG", "HEALTHCHECK", "EXPOSE", "SHELL", "CMD", "scratch", "AS", "x=1"),
        *("--from=", "--chown=a", "<<EOF", "EOF", "<<-'E'", "$A", "${A:-", "}", '"', "'", "\\", "`", "\n", " ", "\t"),
        *('["a"', "]", "#", "# escape=`\n", "/", "*", "[", "80/tcp", "é", "\0", "\x85", "-"),
    ]
)
TEXTS = st.lists(WORDS, max_size=30).map(" ".join) | st.text(max_size=60)


@given(TEXTS)
def test_any_dockerfile_is_read_or_refused(text: str) -> None:
    try:
        dockerfile = parse_dockerfile(text, "Dockerfile")
        plan = plan_stages(dockerfile, {"A": "1"}, "amd64")
    except BuildError:
        return
    for stage in plan.stages:
        settings = Settings(ImageConfig())
        for instruction in stage.stage.instructions:
            with contextlib.suppress(Mistake):
                settings = after(instruction, settings, Given({}, plan.inherited))


@given(TEXTS)
def test_any_word_is_expanded_or_refused(text: str) -> None:
    for word in (text, *split(text)):
        for expansion in (expand, expand_text):
            with contextlib.suppress(Mistake):
                expansion(word, {"A": "1"})


@given(TEXTS, TEXTS)
def test_any_pattern_can_be_matched(patterns: str, path: str) -> None:
    parse_ignore_rules(patterns, ".dockerignore").ignoring(path)


@given(st.text(max_size=40) | st.from_regex(r"[a-z0-9._/:@-]{1,40}", fullmatch=True))
def test_any_name_that_is_accepted_survives_its_file_name(text: str) -> None:
    try:
        reference = parse_reference(text)
    except ImageError:
        return
    assert "/" not in reference.file_name
    assert reference_of_file_name(reference.file_name) == reference
    assert parse_reference(reference.familiar) == reference
