"""What a terminal shows below a problem: the line, and marks below what is wrong."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from compose.cli.problems import show_problems
from compose.cli.texts import printable
from compose.errors import FileError, Problem
from compose.model import Stack
from compose.places import Place
from compose.showing.excerpts import COLORED, Sources, excerpt
from compose.showing.problem_records import problem_records

Read = Callable[..., Stack]


@pytest.fixture
def shown(tmp_path: Path) -> Callable[..., str]:
    """The excerpt of one problem in a file with this text, by the problem's (line, column)."""

    def shown(text: str, at: tuple[int, int], *also: tuple[int, int], width: int = 100) -> str:
        path = tmp_path / "x.yaml"
        path.write_text(text)
        places = [Place(str(path), *each) for each in (at, *also)]
        problem = Problem(places[0], "is wrong", "", "", also=tuple(places[1:]))
        return "\n".join(excerpt(problem, Sources(), width=width))

    return shown


Shown = Callable[..., str]


def test_the_key_that_is_wrong_is_marked(shown: Shown) -> None:
    assert shown("services:\n  web:\n    restrat: always # a note\n", (3, 5)) == (
        "  3 |     restrat: always # a note\n"  # the line as it stands
        "    |     ^^^^^^^"
    )


@pytest.mark.parametrize(
    ("line", "column", "marked"),
    [
        ("restart: some times # note", 10, "some times"),
        ("ports: ['80:80', \"x y\"]", 18, '"x y"'),
        ("ports: [80:80, 81:81]", 16, "81:81"),
        ("command: echo a, b", 10, "echo a, b"),
        ("depends_on: {db: {condition: x}}", 30, "x"),
        ("a: 'it''s'", 4, "'it''s'"),
        ('a: "never closed', 4, '"never closed'),
        ("image:", 99, ""),
    ],
)
def test_marks_reach_to_the_end_of_the_value(shown: Shown, line: str, column: int, marked: str) -> None:
    text = shown(f"{line}\n", (1, column)).splitlines()
    assert text[1].count("^") == len(marked)
    assert not marked or text[0][text[1].index("^") :].startswith(marked)


def test_both_places_of_a_key_that_stands_twice_are_shown(shown: Shown) -> None:
    assert shown("web:\n  image: a\n  init: true\n  image: b\n", (4, 3), (2, 3)) == (
        "  2 |   image: a\n"  # where it stands first
        "    |   -----\n"
        "  4 |   image: b\n"
        "    |   ^^^^^"
    )


def test_two_places_in_one_line_share_it(shown: Shown) -> None:
    assert shown("{a: 1, a: 2}\n", (1, 8), (1, 2)) == "  1 | {a: 1, a: 2}\n    |  -     ^"


def test_another_file_is_named(tmp_path: Path) -> None:
    other = tmp_path / "y.yaml"
    other.write_text("first: 1\n")
    (tmp_path / "x.yaml").write_text("second: 2\n")
    problem = Problem(Place(str(tmp_path / "x.yaml"), 1, 1), "is wrong", "", "", also=(Place(str(other), 1, 1),))
    assert list(excerpt(problem, Sources(), width=100)) == [
        "  1 | second: 2",
        "    | ^^^^^^",
        f"    in {other}",
        "  1 | first: 1",
        "    | -----",
    ]


def test_long_lines_are_cut_around_the_mark(shown: Shown) -> None:
    text = shown(f"{'a' * 60}: {'b' * 60}: wrong and more of the same kind\n", (1, 125), width=60).splitlines()
    assert text[0] == "  1 | …bbbbbbbbbbbbbbbbbb: wrong and more of the same kind"
    assert text[1] == "    |                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"


def test_wide_characters_take_two_columns(shown: Shown) -> None:
    assert shown('"日本": x\n', (1, 7)).splitlines()[1] == "    |         ^"


def test_what_a_terminal_would_obey_is_not_sent_to_it(shown: Shown) -> None:
    assert shown("a: \x1b[31mred\tx\n", (1, 1)).splitlines()[0] == "  1 | a: \N{REPLACEMENT CHARACTER}[31mred x"
    assert printable("bad \x1b[31m\nline") == "bad \\x1b[31m\nline"


def test_without_a_line_nothing_is_shown(shown: Shown) -> None:
    assert shown("a: 1\n", (0, 0)) == ""
    assert shown("a: 1\n", (9, 1)) == ""
    assert list(excerpt(Problem(Place("/no/such", 1, 1), "x", "", ""), Sources(), width=80)) == []


def test_colours_wrap_the_frame_and_the_marks(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("a: 1\n")
    lines = list(excerpt(Problem(Place(str(tmp_path / "x"), 1, 1), "x", "", ""), Sources(), width=80, palette=COLORED))
    assert lines == ["\x1b[2m  1 |\x1b[0m a: 1", "\x1b[2m    |\x1b[0m \x1b[31;1m^\x1b[0m"]


class Terminal(io.StringIO):
    """A stream that takes itself for a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_the_excerpt_and_a_pipe_one_line(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("sevrices: {}\n")
    place = Place(str(tmp_path / "x.yaml"), 1, 1)
    problem = Problem(place, "the file has no key 'sevrices'", "did you mean 'services'?", "WL101")
    terminal, pipe = Terminal(), io.StringIO()
    show_problems([problem], terminal, color=False)
    show_problems([problem], pipe, color=False)
    head = f"{place}: the file has no key 'sevrices' [WL101]\n"
    hint = "  hint: did you mean 'services'?\n"
    assert pipe.getvalue() == head + hint
    assert terminal.getvalue() == (
        f"{head}  1 | sevrices: {{}}\n    | ^^^^^^^^\n{hint}1 problem; more about it: windlass explain WL101\n"
    )


def test_editors_get_problems_as_data(read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileError) as refused:
        read("services:\n  web:\n    image: x\n    ports: ['a:80']\n    image: y\n")
    assert problem_records(refused.value.problems, "error") == [
        {
            "severity": "error",
            "code": "WL007",
            "message": "the key 'image' stands twice in this mapping, first in line 3",
            "hint": "keep one of the two; the last one does not win",
            "file": "compose.yaml",
            "line": 5,
            "column": 5,
            "end_column": 10,
            "path": "",
            "also": [{"file": "compose.yaml", "line": 3, "column": 5, "end_column": 10}],
        }
    ]
