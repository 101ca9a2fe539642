import pytest

from compose.errors import FileError
from compose.nodes import Timestamp, number_text, plain
from compose.places import Place
from compose.reading.document import MAX_DEPTH, read_documents, scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("NO", "NO"),
        ("True", True),
        ("FALSE", False),
        ("010", 8),
        ("0o14", 12),
        ("0O14", 12),
        ("0x10", 16),
        ("-0x10", -16),
        ("0b11", 3),
        ("08", 8.0),
        ("12_000", 12000),
        ("+5", 5),
        ("1e3", 1000.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("1_0.5", 10.5),
        ("1:30", "1:30"),
        ("22:22", "22:22"),
        ("-", "-"),
        ("1 2", "1 2"),
        ("0x1p-2", "0x1p-2"),
        ("1e400", "1e400"),
        ("18446744073709551615", 18446744073709551615),
        ("123456789012345678901", 1.2345678901234568e20),
        ("\u0661", "\u0661"),
        ("~", None),
        ("Null", None),
        ("nUll", "nUll"),
        ("2020-01-01", Timestamp("2020-01-01")),
        ("2020-13-01", "2020-13-01"),
    ],
)
def test_unquoted_scalars_mean_what_compose_says(text: str, value: object) -> None:
    assert scalar(text) == value
    assert type(scalar(text)) is type(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (1.1, "1.1"),
        (3.0, "3"),
        (1e7, "1e+07"),
        (1234567.5, "1.2345675e+06"),
        (123456.5, "123456.5"),
        (0.00001234, "1.234e-05"),
        (0.0001, "0.0001"),
        (1.2345678901234568e20, "1.2345678901234568e+20"),
        (float("inf"), "+Inf"),
    ],
)
def test_numbers_become_text_in_the_shortest_form(value: float, text: str) -> None:
    assert number_text(value) == text


def read(text: str) -> object:
    (document,) = read_documents(text, "f")
    return plain(document)


def refusal(text: str) -> str:
    with pytest.raises(FileError) as caught:
        read_documents(text, "f")
    return str(caught.value)


def test_every_value_and_key_has_its_place() -> None:
    (document,) = read_documents("a:\n  - b: 1\n", "f")
    inner = document.fields["a"].entries[0].fields["b"]
    assert (inner.key, inner.place) == (Place("f", 2, 5), Place("f", 2, 8))


def test_merge_keys_take_a_mapping_or_several_and_yield_to_own_keys() -> None:
    text = "x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz: {<<: [*x, *y], a: 5}\nw: {<<: *y}\n"
    assert read(text)["z"] == {"a": 5, "b": 2, "c": 4}  # type: ignore[index]
    assert read(text)["w"] == {"b": 3, "c": 4}  # type: ignore[index]


def test_a_quoted_merge_key_is_a_key() -> None:
    assert read('{"<<": 1}') == {"<<": 1}


def test_duplicate_keys_are_refused_with_both_lines() -> None:
    assert refusal("a: 1\nb: 2\na: 3\n") == "f:3:1: the key 'a' stands twice in this mapping, first in line 1"


def test_keys_must_be_text() -> None:
    assert refusal("a: {1: x, ~: y}\n") == ("f:1:5: a key must be text, not '1'\nf:1:11: a key must be text, not '~'")


def test_standard_tags_count_and_scalars_with_others_are_text() -> None:
    assert read("[!!str 1, !!int 2, !!float 3, !!binary aGk=]") == ["1", 2, 3, "hi"]
    assert read("[!secret b, !foo 5, !foo ~, !foo [5], !foo {a: 5}]") == ["b", "5", "~", [5], {"a": 5}]
    assert refusal("a: !!binary b\n") == "f:1:4: !!binary takes text in base64"
    assert refusal("a: !!int b\n") == "f:1:4: the tag !!int means nothing here"


def test_a_mistyped_mark_and_text_that_is_taken_for_a_tag_are_refused() -> None:
    assert refusal("a: !pass\n") == "f:1:4: the tag !pass means nothing here"
    assert refusal("a: !overide {b: c}\n") == "f:1:4: the tag !overide means nothing here"
    assert refusal("a: !Reset b\n") == "f:1:4: the tag !Reset means nothing here"


def test_reset_and_override_are_kept_as_marks() -> None:
    (document,) = read_documents("a: !reset null\nb: !override [1]\n", "f")
    assert [node.tag for node in document.fields.values()] == ["!reset", "!override"]


def test_several_documents_are_read_in_order() -> None:
    assert [plain(document) for document in read_documents("a: 1\n---\nb: 2\n", "f")] == [{"a": 1}, {"b": 2}]


def test_alias_bombs_are_refused_before_they_grow() -> None:
    levels = "".join(f"l{level}: &l{level} [{', '.join([f'*l{level - 1}'] * 10)}]\n" for level in range(1, 9))
    assert refusal("l0: &l0 [x]\n" + levels) == "f:5:5: the file grows beyond 100000 values"


def test_an_alias_inside_what_it_names_is_refused() -> None:
    assert refusal("a: &a [*a]\n") == "f:1:4: an alias stands inside the value that it names"


def test_deep_nesting_is_refused() -> None:
    assert "nested deeper than 100 levels" in refusal("[" * 100_000)
    assert read("[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1))


def test_syntax_errors_tell_line_and_column() -> None:
    assert refusal("a:\n\tb: 1\n").startswith(
        "f:2:1: cannot be read as YAML: found character that cannot start any token"
    )
    assert refusal("a: b: c\n") == "f:1:5: cannot be read as YAML: mapping values are not allowed in this context"


def test_control_characters_and_other_encodings_are_refused_with_their_place() -> None:
    assert refusal("a: 1\nb: x\0y\n") == "f:2:5: the character U+0000 cannot stand in a YAML file"
    with pytest.raises(FileError, match=r"^f:2:4: is not UTF-8 text$"):
        read_documents(b"a: 1\nb: \xff\n", "f")
    assert plain(read_documents(b"\xef\xbb\xbfa: 1\n", "f")[0]) == {"a": 1}


def test_an_entry_of_a_list_that_is_reset_is_gone() -> None:
    assert plain(read_documents("[!reset a, b]", "f")[0]) == ["b"]


def test_a_mapping_merges_once() -> None:
    with pytest.raises(FileError) as caught:
        read_documents("a: &a {x: 1}\nb:\n  <<: *a\n  <<: *a\n", "f")
    assert str(caught.value) == "f:4:3: the key '<<' stands twice in this mapping, first in line 3"
