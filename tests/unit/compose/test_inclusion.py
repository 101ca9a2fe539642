"""`include`: other projects' resources become this one's."""

from collections.abc import Callable
from pathlib import Path

import pytest

from compose.model import Stack
from compose.places import Place

Read = Callable[..., Stack]
Problems = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], None]:
    """Writes a file below the project's directory."""

    def write(path: str, text: str) -> None:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)

    return write


Write = Callable[[str, str], None]


def test_an_included_project_has_its_own_directory_and_variables_below_the_including_ones(
    read: Read, write: Write, tmp_path: Path
) -> None:
    write(".env", "V=outer\n")
    write("inner/.env", "V=inner\nW=inner\n")
    write("inner/compose.yaml", "services: {b: {image: 'b-$V-$W', volumes: ['./d:/d']}}\nname: other\nx-a: 1\n")
    stack = read("include: [inner/compose.yaml]\nservices: {a: {image: 'a-$V-$W', depends_on: [b]}}\n")
    assert [service.image for service in stack.services.values()] == ["b-outer-inner", "a-outer-"]
    assert stack.services["b"].mounts[0].source == f"{tmp_path}/inner/d"
    assert stack.name == "proj"
    assert stack.place("services", "b", "image") == Place("inner/compose.yaml", 1, 23)
    assert tuple(map(str, stack.warnings)) == ("compose.yaml:2:23: the variable W is not set; it is taken as empty",)


def test_the_long_form_chooses_files_directory_and_variables(read: Read, write: Write, tmp_path: Path) -> None:
    write("inner/compose.yaml", "services: {b: {image: b, volumes: ['./d:/d']}}\n")
    write("inner/over.yaml", "services: {b: {image: 'over-$V', environment: {A: 1}}}\n")
    write("x.env", "V=x\n")
    write("elsewhere/a.txt", "")
    entry = "{path: [inner/compose.yaml, inner/over.yaml], project_directory: elsewhere, env_file: x.env}"
    stack = read(f"include: [{entry}]\n")
    assert stack.services["b"].image == "over-x"
    assert stack.services["b"].mounts[0].source == f"{tmp_path}/elsewhere/d"
    stack = read(f"include: [{entry.replace('elsewhere', 'elsewhere/a.txt')}]\n")
    assert stack.services["b"].mounts[0].source == f"{tmp_path}/elsewhere/d"


def test_what_the_including_file_says_lies_over_what_is_included_and_the_first_included_over_the_next(
    read: Read, write: Write
) -> None:
    write("one.yaml", "services: {s: {image: one, environment: {A: one, B: one}}}\n")
    write("two.yaml", "services: {s: {image: two, environment: {A: two, C: two}, ports: ['80']}, t: {image: two}}\n")
    stack = read("include: [one.yaml, two.yaml]\nservices: {s: {environment: {B: own}, ports: !reset []}}\n")
    assert stack.services["s"].image == "one"
    assert stack.services["s"].environment == {"A": "one", "B": "own", "C": "two"}
    assert stack.services["s"].ports == ()
    assert list(stack.services) == ["s", "t"]


def test_a_file_may_be_included_over_two_ways(read: Read, write: Write) -> None:
    write("left.yaml", "include: [base.yaml]\n")
    write("right.yaml", "include: [base.yaml]\n")
    write("base.yaml", "services: {s: {image: x, command: [a], ports: ['80'], expose: [1]}}\n")
    service = read("include: [left.yaml, right.yaml]\n").services["s"]
    assert (service.command, len(service.ports), service.expose) == (("a",), 1, ("1",))


def test_a_service_may_extend_an_included_one(read: Read, write: Write) -> None:
    write("inner/compose.yaml", "services: {base: {image: x, environment: {A: 1}}}\n")
    stack = read("include: [inner/compose.yaml]\nservices: {s: {extends: base, environment: {B: 2}}}\n")
    assert stack.services["s"].environment == {"A": "1", "B": "2"}


def test_files_that_include_each_other_are_refused_with_every_place(problems: Problems, write: Write) -> None:
    write("two.yaml", "include:\n  - three.yaml\n")
    write("three.yaml", "include: [compose.yaml]\n")
    assert problems("include: [two.yaml]\nservices: {a: {image: x}}\n") == (
        "three.yaml:1:11: files include each other in a circle: "
        "compose.yaml -> two.yaml -> three.yaml -> compose.yaml\n"
        "  break one of: compose.yaml:1:11, two.yaml:2:5, three.yaml:1:11"
    )


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("missing.yaml", "1:11: include[0] wants missing.yaml: no such file\n  check the path of the file"),
        ("{path: b.yaml, env_file: [no.env]}", "1:36: no.env: no such env file\n  check the path"),
        ("{project_directory: x}", "1:11: include[0] names no file\n  write the path of a Compose file"),
        (
            "'oci://registry.example/x'",
            (
                "1:11: include[0]: 'oci://registry.example/x' lies elsewhere, and fetching files is not supported yet\n"
                "  include a local file"
            ),
        ),
    ],
)
def test_what_cannot_be_included_is_told(problems: Problems, write: Write, entry: str, message: str) -> None:
    write("b.yaml", "services: {b: {image: b}}\n")
    assert problems(f"include: [{entry}]\n") == f"compose.yaml:{message}"


def test_mistakes_of_an_included_file_are_told_with_its_name(problems: Problems, write: Write) -> None:
    write("b.yaml", "services: {b: {imaeg: b}}\n")
    assert problems("include: [b.yaml]\nservices: {a: {image: x, scale: many}}\n") == (
        "compose.yaml:2:33: services.a.scale must be a whole number, not 'many'\n"
        "b.yaml:1:16: services.b has no key 'imaeg'\n"
        "  did you mean 'image'?"
    )


def test_files_that_include_the_next_ones_twice_are_refused_before_they_multiply(
    problems: Problems, write: Write
) -> None:
    for level in range(30):
        write(f"{level}.yaml", f"include: [{level + 1}.yaml, {level + 1}.yaml]\n")
    write("30.yaml", "services: {s: {image: x}}\n")
    assert problems("include: [0.yaml]\n").endswith(
        "files include files more than 1000 times\n  include each file once, at the top"
    )
