import pytest

from engine.dockerfiles.ignoring import component_regex, parse_ignore_rules

RULES = """\
# a comment
*.log
/build/
**/cache
docs/*
!docs/README.md
  te?t
[ab].c
\\!bang
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("a.log", 2),
        ("sub/a.log", None),
        ("build", 3),
        ("build/deep/f", 3),
        ("sub/build", None),
        ("cache", 4),
        ("a/b/cache/f", 4),
        ("mycache", None),
        ("docs", None),
        ("docs/other.md", 5),
        ("docs/README.md", None),
        ("docs/sub/README.md", 5),
        ("test/f", 7),
        ("a.c", 8),
        ("c.c", None),
        ("!bang", 9),
        ("kept", None),
    ],
)
def test_patterns_mean_what_they_mean_to_docker(path: str, line: int | None) -> None:
    pattern = parse_ignore_rules(RULES, ".dockerignore").ignoring(path)

    assert (pattern.line if pattern else None) == line


def test_the_last_pattern_that_fits_wins() -> None:
    rules = parse_ignore_rules("*\n!kept\nkept/secret\n", ".dockerignore")

    assert rules.ignoring("kept/file") is None
    assert rules.ignoring("kept/secret") is not None
    assert rules.ignoring("other") is not None
    assert rules.may_keep_below is True


def test_two_stars_span_directories() -> None:
    rules = parse_ignore_rules("src/**/test\n", ".dockerignore")

    assert rules.ignoring("src/test") is not None
    assert rules.ignoring("src/a/b/test/file") is not None
    assert rules.ignoring("src/a/tests") is None


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("*", ".hidden", True),
        ("*.py", "a.py", True),
        ("?.py", "ab.py", False),
        ("[^a]x", "bx", True),
        ("[a-c]x", "bx", True),
        (r"\*", "*", True),
        (r"\*", "x", False),
        ("a.b", "aXb", False),
        ("[", "[", True),
        ("[z-a]", "b", False),
        ("[^z-a]", "b", True),
        ("[a-]", "-", True),
        ("[]x]", "]", True),
    ],
)
def test_a_name_fits_a_pattern(pattern: str, name: str, fits: bool) -> None:
    assert bool(component_regex(pattern).fullmatch(name)) is fits


def test_many_stars_do_not_take_for_ever() -> None:
    for pattern in ("*a" * 30 + "*c", "**a" * 30 + "**c", "b" + "*" * 60 + "c", "*a**a" * 4 + "c"):
        rules = parse_ignore_rules(pattern, ".dockerignore")
        assert rules.ignoring("a" * 60) is None
        assert rules.ignoring("b" + "a" * 60 + "d") is None
