import msgspec
import pytest

from engine.dockerfiles.steps import StepInputs, cause, key_of

INPUTS = StepInputs(
    kind="copy",
    command=("COPY", "", "", "a", "/b"),
    layers=("sha256:1",),
    environment={"A": "1"},
    working_directory="/w",
    user="",
    content={"a": "1", "b": "2"},
)


def test_the_same_inputs_have_the_same_key_in_whatever_order() -> None:
    other = msgspec.structs.replace(INPUTS, content={"b": "2", "a": "1"})

    assert key_of(other) == key_of(INPUTS)
    assert len(key_of(INPUTS)) == 64


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"command": ("COPY", "", "", "a", "/c")}, "the instruction changed"),
        ({"content": {"a": "9", "c": "2"}}, "a changed, c is new, b is gone"),
        ({"content": {str(number): "" for number in range(5)}}, "0, 1, 2 and 2 more are new, a, b are gone"),
        ({"environment": {"A": "2"}}, "A changed"),
        ({"environment": {"A": "1", "V": "2"}, "arguments": ("V",)}, "argument V changed"),
        ({"sandbox": ("no network",)}, "how commands are kept apart changed"),
        ({"epoch": 1}, "SOURCE_DATE_EPOCH changed: None -> 1"),
        ({"working_directory": "/v"}, "the working directory changed: /w -> /v"),
        ({"user": "app"}, "the user changed: root -> app"),
        ({"layers": ("sha256:2",)}, "what it builds on changed"),
        ({}, "its result is not kept any more"),
    ],
)
def test_the_reason_names_what_differs(change: dict[str, object], expected: str) -> None:
    wanted = msgspec.structs.replace(INPUTS, **change)

    assert cause(INPUTS, wanted) == expected
    assert (key_of(wanted) == key_of(INPUTS)) is (not change)


def test_a_step_without_a_past_is_new() -> None:
    assert cause(None, INPUTS) == "first time"
