import pytest

from compose.grammar.quantities import duration_nanoseconds, duration_text, size_bytes
from compose.grammar.words import split_command


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("90s", "1m30s"),
        ("1.5h", "1h30m0s"),
        ("60s", "1m0s"),
        ("1s500ms", "1.5s"),
        ("100us", "100\u00b5s"),
        ("1500ns", "1.5\u00b5s"),
        (".5s", "500ms"),
        ("0", "0s"),
        ("-1s", "-1s"),
        ("1d", "24h0m0s"),
        ("1w2d", "216h0m0s"),
    ],
)
def test_durations_are_read_and_written_as_go_does(text: str, printed: str) -> None:
    assert duration_text(duration_nanoseconds(text)) == printed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("30", "needs a unit: '30s'"),
        ("1 m", "is no duration: '1 m'"),
        ("", "is no duration: ''"),
        ("1e3s", "is no duration: '1e3s'"),
        ("999999999h", "is too long: '999999999h'"),
    ],
)
def test_other_durations_are_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        duration_nanoseconds(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512m", 536870912),
        ("1.5gb", 1610612736),
        ("1 k", 1024),
        ("1kib", 1024),
        ("100", 100),
        ("1p", 2**50),
        ("1b", 1),
        (".5k", 512),
        ("1e3", 1000),
        ("+1KiB", 1024),
        ("5.", 5),
    ],
)
def test_sizes_are_powers_of_1024(text: str, size: int) -> None:
    assert size_bytes(text) == size


@pytest.mark.parametrize("text", ["", "-5", "1.5.5k", "0x10", " 1k", "abc", "1kk", "1ki", "1bb", "1ib", "1  k"])
def test_other_sizes_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no size"):
        size_bytes(text)


@pytest.mark.parametrize(
    ("text", "words", "cut"),
    [
        ("a \"b c\" 'd  e'", ("a", "b c", "d  e"), ""),
        ('a \\"b c\\ d', ("a", '"b', "c d"), ""),
        ("a '' b", ("a", "", "b"), ""),
        ("\"a\\nb\" 'c\\d'", ("anb", "c\\d"), ""),
        ("a `b c` d #e", ("a", "`b c`", "d", "#e"), ""),
        ("a\n  b", ("a", "b"), ""),
        ("  ", (), ""),
        ("a && b", ("a",), "&& b"),
        ("a 2>b c", ("a",), ">b c"),
    ],
)
def test_command_lines_are_split_as_a_shell_would(text: str, words: tuple[str, ...], cut: str) -> None:
    assert split_command(text) == (words, cut)


@pytest.mark.parametrize("text", ['"a', "a 'b", "echo (a)"])
def test_open_quotes_and_parentheses_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no command line"):
        split_command(text)
