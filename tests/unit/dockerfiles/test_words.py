import pytest

from engine.dockerfiles.problems import Mistake
from engine.dockerfiles.words import expand, expand_text, split

VARIABLES = {"A": "one", "EMPTY": "", "B_2": "two words"}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("$A", "one"),
        ("${A}x", "onex"),
        ("$Ax", ""),
        ("$B_2/y", "two words/y"),
        ("${UNSET:-default}", "default"),
        ("${EMPTY:-default}", "default"),
        ("${EMPTY-default}", ""),
        ("${A:+other}", "other"),
        ("${EMPTY:+other}", ""),
        ("${EMPTY+other}", "other"),
        ("${UNSET:-${A}}", "one"),
        ("${UNSET:-'}'}", "}"),
        ("'$A'", "$A"),
        ('"$A"', "one"),
        (r"\$A", "$A"),
        (r'"\$A \"q\" \n"', r'$A "q" \n'),
        (r"a\ b", "a b"),
        ("$", "$"),
        ("a$/b", "a$/b"),
        ("$1x", "x"),
    ],
)
def test_variables_and_quotes_mean_what_they_mean_to_docker(word: str, expected: str) -> None:
    assert expand(word, VARIABLES) == expected


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("'open", "lacks a closing single quote"),
        ('"open', "lacks a closing double quote"),
        ("${A", "lacks a closing '}'"),
        ("${}", "has no variable's name"),
        ("${A=x}", "uses an operator on A that there is not"),
        ("${A%x", "lacks a closing '}'"),
        ("${UNSET:?must be given}", "UNSET: must be given"),
        ("${UNSET?}", "UNSET: is not set"),
    ],
)
def test_malformed_words_are_refused(word: str, reason: str) -> None:
    with pytest.raises(Mistake, match=reason):
        expand(word, VARIABLES)


def test_another_escape_character_leaves_backslashes_alone() -> None:
    assert expand(r"c:\dir`$A", VARIABLES, "`") == r"c:\dir$A"


def test_words_end_at_spaces_outside_quotes() -> None:
    assert split(r"""a  "b c" d\ e 'f g'h""") == ("a", '"b c"', r"d\ e", "'f g'h")


def test_here_documents_keep_their_quotes() -> None:
    assert expand_text("\"$A\" '${A}' \\$A \\n", VARIABLES) == "\"one\" 'one' $A \\n"
