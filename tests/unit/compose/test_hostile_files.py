"""Whatever stands in a file, reading ends with a stack or a FileError."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compose.errors import FileError
from compose.grammar.service_keys import SERVICE
from compose.printing.canonical import canonical
from compose.reading.reader import ReadRequest, read_stack

WORDS = st.sampled_from(
    ["", "x", "/a", "a:/b", "80:80", "1-2:3-4", "$A", "${A:-b}", "${", "10s", "512m", "on-failure:3", "default", "-1",
     "CMD", "NONE", "a=b", "..", "~", "\u00e9", "!", "2020-01-01", "yes", "[", "{", "service_started"]
)  # fmt: skip
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-2, 2**64), st.floats(), WORDS)
KEYS = st.one_of(WORDS, st.sampled_from(["type", "target", "source", "condition", "test", "x-a", "path", "limits"]))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=6,
)
SERVICES = st.dictionaries(st.sampled_from(sorted(SERVICE.keys)), VALUES, max_size=4)
FILES = st.fixed_dictionaries(
    {"services": st.dictionaries(WORDS, SERVICES, max_size=2)},
    optional={"networks": VALUES, "volumes": VALUES, "name": VALUES, "x-y": VALUES},
)


def end_of(text: str, directory: Path) -> None:
    request = ReadRequest(str(directory), {}, files=("-",), project_name="p", stdin=text.encode)
    try:
        canonical(read_stack(request))
    except FileError as error:
        assert error.problems  # noqa: PT017 - either end is right


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(file=FILES)
def test_any_values_are_read_or_refused(file: object) -> None:
    import yaml

    end_of(yaml.safe_dump(file, allow_unicode=True), Path("/nonexistent"))


@settings(max_examples=150, deadline=None)
@given(text=st.text(alphabet=st.sampled_from("ab:-{}[]&*!|>%@`'\"#,? \n\t\u0000\u00e9$"), max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    end_of("services:\n" + text, Path("/nonexistent"))
