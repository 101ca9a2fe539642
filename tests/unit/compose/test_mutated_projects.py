"""Real projects with anything changed in them are read or refused, soon, with places."""

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compose.errors import FileError
from compose.printing.canonical import canonical
from compose.reading.reader import ReadRequest, read_stack

FILES = sorted((Path(__file__).parents[2] / "files").glob("*/compose.yaml"))
OWN = """
include: [inner/compose.yaml]
x-base: &base {image: "${IMAGE:-x}", environment: {A: 1}}
services:
  web: {<<: *base, extends: {service: base, file: base.yaml}, ports: ["80:80"], depends_on: [db]}
  db: {extends: web, ports: !reset [], volumes: [data:/data], env_file: [{path: .env, required: false}]}
volumes: {data: }
"""
BASE = "services: {base: {image: base, extends: {service: web, file: compose.yaml}, volumes: [./x:/x]}}\n"
BITS = st.sampled_from(
    ["&a ", "*a", "<<: *a\n", "!reset ", "!override ", "!!str ", "${A", "$", "$$", "\t", "\x00", "\u2028", "- ", ": ",
     "? ", "{", "}", "[", "]", "'", '"', "|", ">-", "---\n", "...\n", "#", "%", "~", "\n", "  ", "extends: web\n",
     "include: [compose.yaml]\n", "services:\n", "2020-01-01", "1e999", "0x", ".nan", "=", "é"]
)  # fmt: skip
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("insert"), st.floats(0, 1), BITS),
        st.tuples(st.just("delete"), st.floats(0, 1), st.integers(1, 30)),
        st.tuples(st.just("repeat"), st.floats(0, 1), st.integers(1, 200)),
        st.tuples(st.just("move"), st.floats(0, 1), st.integers(1, 60)),
    ),
    max_size=6,
)


def changed(text: str, changes: list[tuple[str, float, object]]) -> str:
    """A text after insertions, deletions, repetitions and moves, each at a share of its length."""
    for kind, share, what in changes:
        at = int(share * len(text))
        if isinstance(what, str):
            text = text[:at] + what + text[at:]
        elif isinstance(what, int):
            piece = text[at : at + what]
            rest = text[:at] + text[at + what :]
            text = rest if kind == "delete" else text[:at] + piece + text[at:] if kind == "repeat" else piece + rest
    return text


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project's directory, for one example after the other."""
    made = tmp_path_factory.mktemp("project")
    (made / "inner").mkdir()
    return made


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    text=st.sampled_from([OWN, *(file.read_text() for file in FILES)]),
    changes=CHANGES,
    over=CHANGES,
    inner=CHANGES,
    variables=st.text(alphabet=st.sampled_from("AB=:$ {}\"'#\\\n-x"), max_size=40),
)
def test_changed_projects_are_read_or_refused_within_a_second(
    directory: Path, text: str, changes: list, over: list, inner: list, variables: str
) -> None:
    (directory / "compose.yaml").write_text(changed(text, changes))
    (directory / "base.yaml").write_text(changed(BASE, over))
    (directory / "over.yaml").write_text(changed("services: {web: {image: y, ports: !override ['81']}}\n", over))
    (directory / "inner" / "compose.yaml").write_text(changed("services: {in: {image: in, build: .}}\n", inner))
    (directory / ".env").write_text(variables)
    files = ("compose.yaml", "over.yaml") if over else ("compose.yaml",)
    request = ReadRequest(str(directory), {}, files=files, project_name="p", profiles=("*",))
    began = time.process_time()
    try:
        canonical(read_stack(request))
    except FileError as error:
        assert error.problems  # noqa: PT017 - either end is right
        assert all(problem.place.file for problem in error.problems)  # noqa: PT017 - likewise
    assert time.process_time() - began < 1
