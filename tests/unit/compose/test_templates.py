"""The Go templates of --format."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compose.errors import UsageError
from compose.showing.formats import Row, Shape, listed, require_format
from compose.showing.templates.evaluation import Template
from compose.showing.templates.functions import Record

WEB = Record(
    {
        "Name": "shop-web-1",
        "Labels": "a=b,c=d",
        "Publishers": [
            {"URL": "0.0.0.0", "TargetPort": 80, "PublishedPort": 8080},
            {"URL": "::", "TargetPort": 80, "PublishedPort": 8080},
        ],
        "ExitCode": 3,
        "Health": "",
        "Empty": [],
    },
    {"Label": {"x": "y"}.get},
)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{.Name}}", "shop-web-1"),
        ("{{ .Name }}: {{.ExitCode}}", "shop-web-1: 3"),
        ("{{.Name -}}  !", "shop-web-1!"),
        ("a  {{- /* nobody sees this }} */ -}}  b", "ab"),
        ('{{.Label "x"}}', "y"),
        ("{{json .Name}}", '"shop-web-1"'),
        ("{{json .Empty}}", "[]"),
        ("{{.Name | upper}}", "SHOP-WEB-1"),
        ('{{.Name | printf "%s/%s" "p"}}', "p/shop-web-1"),
        ('{{printf "%-12s|%4d|%q|%v%%" .Name .ExitCode .Name .Empty}}', 'shop-web-1  |   3|"shop-web-1"|[]%'),
        ('{{join (split .Labels ",") "; "}}', "a=b; c=d"),
        ("{{println .Name .ExitCode}}", "shop-web-1 3\n"),
        ("{{len .Publishers}}", "2"),
        ("{{(index .Publishers 1).URL}}", "::"),
        ("{{with index .Publishers 0}}{{.PublishedPort}}{{end}}", "8080"),
        ("{{with .Health}}{{.}}{{else}}none{{end}}", "none"),
        ("{{range .Publishers}}{{.URL}}:{{.PublishedPort}} {{end}}", "0.0.0.0:8080 :::8080 "),
        (
            "{{range $i, $p := .Publishers}}{{if $i}}, {{end}}{{$p.URL}}@{{$.Name}}{{end}}",
            "0.0.0.0@shop-web-1, ::@shop-web-1",
        ),
        ("{{range .Empty}}x{{else}}nothing{{end}}", "nothing"),
        ("{{range 3}}{{.}}{{end}}", "012"),
        ('{{if eq .Name "shop-web-1"}}yes{{else}}no{{end}}', "yes"),
        ("{{if .Health}}a{{else if gt .ExitCode 2}}b{{else}}c{{end}}", "b"),
        ("{{if and .Name (not .Health) (ne .ExitCode 0)}}bad{{end}}", "bad"),
        ('{{or .Health "unknown"}}', "unknown"),
        ("{{$n := lower .Name}}{{$n = title $n}}{{$n}}", "Shop-web-1"),
        ("{{truncate .Name 4}}{{pad .Name 1 2}}|{{pad .Health 1 2}}", "shop shop-web-1  |"),
        (r'{{"a\tb"}}{{`\t`}}', "a\tb\\t"),
        ("{{index .Publishers 0}}", "map[PublishedPort:8080 TargetPort:80 URL:0.0.0.0]"),
        ("{{(index .Publishers 0).Nothing}}", "<no value>"),
        ("{{true}} {{nil | print}} {{1.5}}", "true <no value> 1.5"),
    ],
)
def test_a_template_says_what_go_says(source: str, expected: str) -> None:
    assert Template(source).text(WEB) == expected


@pytest.mark.parametrize(
    ("source", "message", "hint"),
    [
        ("{{.Nmae}}", "there is no field Nmae", "did you mean 'Name'?"),
        ("{{uper .Name}}", "there is no function uper", "did you mean 'upper'?"),
        ("{{$x}}", "there is no variable $x", ""),
        ("{{.Name", "an action is not closed", "every {{ needs its }}"),
        ("{{if .Name}}x", "{{if}} has no {{end}}", ""),
        ("x{{end}}", "{{end}} closes nothing", ""),
        ("{{}}", "a value is missing", ""),
        ("{{(.Name}}", "a parenthesis is not closed", ""),
        ("{{.Name | }}", "a value is missing", ""),
        ("{{.Name.First}}", "shop-web-1 has no field First", ""),
        ("{{upper}}", "", "see docs/output.md"),
        ("{{upper 3}}", "", "see docs/output.md"),
        ("{{index .Empty 0}}", "index 0 is out of range", ""),
        ("{{range .Name}}{{end}}", "range can't iterate over shop-web-1", ""),
        ('{{.Name "x"}}', "something that is no function is given arguments", ""),
        ('{{template "x"}}', "template is not supported", ""),
        ("{{@}}", "cannot read '@'", ""),
    ],
)
def test_what_a_template_cannot_say_is_told(source: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as raised:
        Template(source).text(WEB)
    assert message in raised.value.message
    assert hint in raised.value.hint


PIECES = [
    "{{",
    "}}",
    "{{-",
    "-}}",
    ".Name",
    "if",
    "range",
    "end",
    "else",
    "$x",
    ":=",
    "|",
    "(",
    ")",
    ",",
    '"',
    "len",
    "index",
    "1",
    "printf",
    "%",
    "json",
    ".",
    "9",
]


@given(st.lists(st.sampled_from([*PIECES, " ", "\n"]), max_size=20))
def test_any_text_is_a_template_or_a_mistake_of_the_user(pieces: list[str]) -> None:
    with suppress(UsageError):
        Template("".join(pieces)).text(WEB)


SHAPE = Shape(columns=("Name", "State"), headers={"Name": "NAME", "State": "STATE", "ID": "CONTAINER ID"})
ROWS = [
    Row({"Name": "shop-web-1", "State": "running", "ID": "0123"}, {"com.example.role": "front"}),
    Row({"Name": "db", "State": "exited", "ID": "4567"}),
]


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("table", "NAME         STATE\nshop-web-1   running\ndb           exited\n"),
        (
            "json",
            '{"Name":"shop-web-1","State":"running","ID":"0123"}\n{"Name":"db","State":"exited","ID":"4567"}\n',
        ),
        ("{{.Name}} is {{.State}}", "shop-web-1 is running\ndb is exited\n"),
        (
            r"table {{.Name}}\t{{upper .State}}\t{{.ID}}",
            "NAME         STATE     CONTAINER ID\nshop-web-1   RUNNING   0123\ndb           EXITED    4567\n",
        ),
        (r'table {{.Name}}\t{{.Label "com.example.role"}}', "NAME         role\nshop-web-1   front\ndb\n"),
        (r"{{.Name}}\n{{.ID}}", "shop-web-1\n0123\ndb\n4567\n"),
    ],
)
def test_a_list_takes_the_form_that_was_asked_for(output: str, expected: str) -> None:
    assert listed(ROWS, output, SHAPE) == expected


def test_an_array_is_one_line_of_json() -> None:
    assert listed([ROWS[1]], "json", SHAPE._replace(array=True)) == '[{"Name":"db","State":"exited","ID":"4567"}]\n'
    assert listed([], "json", SHAPE._replace(array=True)) == "[]\n"


def test_a_word_that_is_no_format_is_refused() -> None:
    with pytest.raises(UsageError, match="--format jsn: no such choice"):
        require_format("jsn")
