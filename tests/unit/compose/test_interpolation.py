import pytest

from compose.reading.interpolation import InterpolationError, interpolate

VARIABLES = {"A": "a", "EMPTY": "", "HOME": "/root"}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("$A-$A_b${A}", "a-a"),
        ("$$A $$$A $$$$A", "$A $a $$A"),
        ("$1 $(cmd) x$ $\u00e9", "$1 $(cmd) x$ $\u00e9"),
        ("${NO:-d} ${NO-d} ${EMPTY:-d} ${EMPTY-d}", "d d d "),
        ("${A:+b} ${A+b} ${EMPTY:+b}|${EMPTY+b} ${NO+b}", "b b |b "),
        ("${NO-:22:22}", ":22:22"),
        ("${NO:-${NO2:-c}}", "c"),
        ("${NO:-${A} c ${NO:-e}} f", "a c e f"),
        ("${A:+[${HOME}]}", "[/root]"),
        ("${NO:-a$$b}", "a$b"),
        ('${NO:-{"a":{}}}', '{"a":{}}'),
        ("${A:-{x}}", "a"),
        ("${NO:-a}b}", "ab}"),
        ("${A:-${NO:?never asked}}", "a"),
        ("${A:?}${HOME?x}", "a/root"),
    ],
)
def test_variables_are_replaced(text: str, result: str) -> None:
    assert interpolate(text, VARIABLES.get, lambda _: None) == result


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${}", "cannot be interpolated at '${}': ${ needs the name of a variable behind it"),
        ("${A B}", "cannot be interpolated at '${A B}': behind ${A stands none of } :- - :? ? :+ +"),
        ("${A:x}", "cannot be interpolated at '${A:x}': behind ${A stands none of } :- - :? ? :+ +"),
        ("x ${A:-b", "cannot be interpolated at '${A:-b': a ${ has no closing }"),
        ("${NO:?say it}", "the required variable NO is not set: say it"),
        ("${EMPTY:?}", "the required variable EMPTY is empty"),
        ("${NO:-${NO2?}}", "the required variable NO2 is not set"),
    ],
)
def test_what_cannot_be_replaced_is_explained(text: str, message: str) -> None:
    with pytest.raises(InterpolationError) as caught:
        interpolate(text, VARIABLES.get, lambda _: None)
    assert caught.value.message == message


def test_unset_variables_without_default_are_told() -> None:
    unset: list[str] = []
    assert interpolate("$NO ${NO2} ${NO3:-x} ${A:-$NO4}", VARIABLES.get, unset.append) == "  x a"
    assert unset == ["NO", "NO2"]


def test_nesting_has_an_end() -> None:
    with pytest.raises(InterpolationError, match="nested deeper than 50 levels"):
        interpolate("${NO:-" * 5000 + "}" * 5000, VARIABLES.get, lambda _: None)
