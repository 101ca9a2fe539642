import pytest

from engine.dockerfiles.dockerfile import parse_dockerfile
from engine.dockerfiles.instructions import (
    Arg,
    Cmd,
    Command,
    Copy,
    Entrypoint,
    Env,
    Expose,
    From,
    Healthcheck,
    Instruction,
    Label,
    Run,
    Shell,
    Stopsignal,
    User,
    Volume,
    Workdir,
)
from engine.dockerfiles.lines import Heredoc
from engine.errors import BuildError


def body(text: str) -> tuple[Instruction, ...]:
    return parse_dockerfile(f"FROM scratch\n{text}", "Dockerfile").stages[0].instructions


def complaint(text: str) -> BuildError:
    with pytest.raises(BuildError) as caught:
        parse_dockerfile(text, "Dockerfile")
    return caught.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RUN echo hi", Run(2, "RUN echo hi", Command("echo hi"))),
        ('RUN ["a", "b c"]', Run(2, 'RUN ["a", "b c"]', Command('["a", "b c"]', ("a", "b c")))),
        ("RUN [ -f /x ]", Run(2, "RUN [ -f /x ]", Command("[ -f /x ]"))),
        ("run echo hi", Run(2, "run echo hi", Command("echo hi"))),
        ("ARG A B=1", Arg(2, "ARG A B=1", (("A", None), ("B", "1")))),
        ('ENV A=1 B="2 3"', Env(2, 'ENV A=1 B="2 3"', (("A", "1"), ("B", '"2 3"')))),
        ("ENV A 1 2", Env(2, "ENV A 1 2", (("A", "1 2"),))),
        ("LABEL a=b", Label(2, "LABEL a=b", (("a", "b"),))),
        ("MAINTAINER me", Label(2, "MAINTAINER me", (("maintainer", "me"),))),
        ("WORKDIR /srv", Workdir(2, "WORKDIR /srv", "/srv")),
        ("USER app:app", User(2, "USER app:app", "app:app")),
        ("EXPOSE 80 53/udp", Expose(2, "EXPOSE 80 53/udp", ("80", "53/udp"))),
        ('VOLUME ["/a", "/b"]', Volume(2, 'VOLUME ["/a", "/b"]', ("/a", "/b"))),
        ("CMD exec x", Cmd(2, "CMD exec x", Command("exec x"))),
        ('ENTRYPOINT ["/x"]', Entrypoint(2, 'ENTRYPOINT ["/x"]', Command('["/x"]', ("/x",)))),
        ('SHELL ["/bin/bash", "-c"]', Shell(2, 'SHELL ["/bin/bash", "-c"]', ("/bin/bash", "-c"))),
        ("STOPSIGNAL 3", Stopsignal(2, "STOPSIGNAL 3", "3")),
        ("HEALTHCHECK NONE", Healthcheck(2, "HEALTHCHECK NONE", None)),
    ],
)
def test_each_instruction_is_read(text: str, expected: Instruction) -> None:
    assert body(text) == (expected,)


def test_copy_has_flags_sources_and_a_destination() -> None:
    (copy,) = body("COPY --from=build --chown=app --chmod=755 a b /to/")

    assert copy == Copy(
        line=2,
        text="COPY --from=build --chown=app --chmod=755 a b /to/",
        sources=("a", "b"),
        destination="/to/",
        origin="build",
        owner="app",
        mode="755",
    )


def test_a_health_check_has_times() -> None:
    (check,) = body("HEALTHCHECK --interval=1m30s --timeout=500ms --retries=4 CMD curl localhost")

    assert isinstance(check, Healthcheck)
    assert check.command == Command("curl localhost")
    assert (check.interval_seconds, check.timeout_seconds, check.start_period_seconds) == (90.0, 0.5, None)
    assert check.retries == 4


def test_continued_lines_are_joined_over_comments_and_empty_lines() -> None:
    (run, after) = body("RUN a && \\\n  # why\n\n  b \\\n  c\nUSER x")

    assert isinstance(run, Run)
    assert run.command.text == "a &&   b   c"
    assert (run.line, after.line) == (2, 7)


def test_an_escaped_backslash_does_not_continue_a_line() -> None:
    run, user = body("RUN echo \\\\\nUSER x")

    assert isinstance(run, Run)
    assert run.command.text == "echo \\\\"
    assert isinstance(user, User)


def test_another_escape_character_continues_lines() -> None:
    dockerfile = parse_dockerfile("# escape=`\nFROM scratch\nRUN a `\n b \\\nUSER x", "Dockerfile")

    assert dockerfile.escape == "`"
    assert [type(instruction) for instruction in dockerfile.stages[0].instructions] == [Run, User]


def test_a_foreign_syntax_is_ignored_with_a_warning() -> None:
    assert parse_dockerfile("# syntax=docker/dockerfile:1\nFROM scratch", "Dockerfile").warnings == ()
    assert parse_dockerfile("# syntax=x/y\nFROM scratch", "Dockerfile").warnings == (
        "line 1: the syntax x/y is ignored: the usual one is read",
    )


def test_a_here_document_is_a_script() -> None:
    (run,) = body("RUN <<EOF\nset -e\n# not a comment\nFROM nothing\nEOF")

    assert isinstance(run, Run)
    assert run.script == Heredoc("EOF", "set -e\n# not a comment\nFROM nothing\n", True, "<<EOF")


def test_a_here_document_of_a_command_is_left_to_the_shell() -> None:
    (run,) = body("RUN python3 - <<-'END' >/out\n\tprint($x)\n\tEND")

    assert isinstance(run, Run)
    assert run.script is None
    assert run.command.text == "python3 - <<-'END' >/out\nprint($x)\nEND\n"


def test_copied_here_documents_know_whether_variables_are_replaced() -> None:
    (copy,) = body("COPY <<a <<'b' file /to/\n$A\na\n$B\nb")

    assert isinstance(copy, Copy)
    assert copy.sources == ("file",)
    assert copy.heredocs == (Heredoc("a", "$A\n", True, "<<a"), Heredoc("b", "$B\n", False, "<<'b'"))


def test_arithmetic_and_here_strings_are_no_here_documents() -> None:
    assert [instruction.text for instruction in body('RUN echo $((1<<2)) "<<EOF"\nRUN cat <<< x')] == [
        'RUN echo $((1<<2)) "<<EOF"',
        "RUN cat <<< x",
    ]


def test_stages_have_names_and_arguments_may_come_first() -> None:
    dockerfile = parse_dockerfile("ARG V=1\nFROM a:$V AS Build\nRUN x\nFROM --platform=linux/amd64 b", "Dockerfile")

    assert dockerfile.arguments == (Arg(1, "ARG V=1", (("V", "1"),)),)
    assert [stage.begin for stage in dockerfile.stages] == [
        From(2, "FROM a:$V AS Build", "a:$V", "build"),
        From(4, "FROM --platform=linux/amd64 b", "b", platform="linux/amd64"),
    ]


def test_all_problems_are_told_with_their_lines() -> None:
    error = complaint("FROM scratch\nRUNN x\nCOPY a\n\nRUN --mount=type=cache x\nWORKDIR\nADD http://x.test/y.git /\n")

    assert error.message == (
        "Dockerfile:2: unknown instruction 'RUNN'\n"
        "Dockerfile:3: COPY needs a source and a destination\n"
        "Dockerfile:5: RUN --mount=type=cache needs a target\n"
        "Dockerfile:6: WORKDIR needs a value\n"
        "Dockerfile:7: ADD of a repository (http://x.test/y.git) is refused"
    )
    assert error.hint == "did you mean RUN?"
    assert error.line == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Dockerfile:1: there is no FROM"),
        ("RUN x", "Dockerfile:1: only ARG may come before FROM"),
        ("FROM a b c", "Dockerfile:1: FROM is written: FROM image [AS name]"),
        ("FROM a AS 1x", "Dockerfile:1: '1x' is no stage's name"),
        ("FROM a AS x\nFROM b AS x", "Dockerfile:2: a stage named 'x' began on line 1 already"),
        ("FROM a\nONBUILD ONBUILD RUN x", "Dockerfile:2: ONBUILD keeps no ONBUILD"),
        ("FROM a\nONBUILD FROM b", "Dockerfile:2: ONBUILD keeps no FROM"),
        ("FROM a\nONBUILD RUNN x", "Dockerfile:2: unknown instruction 'RUNN'"),
        ("FROM a\nCOPY --form=b x y", "Dockerfile:2: COPY has no flag --form"),
        ("FROM a\nCOPY --link=maybe x y", "Dockerfile:2: COPY --link is true or false, not 'maybe'"),
        ("FROM a\nCOPY --unpack x y", "Dockerfile:2: COPY has no flag --unpack"),
        ("FROM a\nADD --keep-git-dir x y", "Dockerfile:2: ADD --keep-git-dir is refused"),
        ("FROM a\nADD --checksum=sha256:0 x y", "Dockerfile:2: ADD --checksum needs one source"),
        ("FROM a\nRUN --network=nome x", "Dockerfile:2: RUN --network is default, none or host, not 'nome'"),
        ("FROM a\nRUN --security=none x", "Dockerfile:2: RUN --security is sandbox or insecure, not 'none'"),
        ("FROM a\nRUN --device=x y", "Dockerfile:2: RUN --device is refused"),
        ("FROM a\nRUN --mount=type=tmpfs,target=/x,id=y true", "Dockerfile:2: RUN --mount=type=tmpfs has no key 'id'"),
        ("FROM a\nRUN --mount=from=$X,target=/x true", "Dockerfile:2: RUN --mount: variables in from=$X are not"),
        ("FROM a\nSHELL /bin/bash", "Dockerfile:2: SHELL is written as a list"),
        ("FROM a\nRUN <<EOF\nx", "Dockerfile:2: the here-document EOF never ends"),
        ("FROM a\nENV A", "Dockerfile:2: ENV A has no value"),
        ("FROM a\nENV A=1 B", "Dockerfile:2: ENV has 'B' where name=value is expected"),
        ("FROM a\nARG 1x", "Dockerfile:2: ARG: '1x' is no variable's name"),
        ("FROM a\nHEALTHCHECK curl", "Dockerfile:2: HEALTHCHECK is written: HEALTHCHECK [flags] CMD command, or"),
        ("FROM a\nHEALTHCHECK --interval=5 CMD x", "Dockerfile:2: '5' is no duration"),
        ("# escape=x\nFROM a", "Dockerfile:1: the escape character is \\ or `, not 'x'"),
    ],
)
def test_mistakes_name_their_line(text: str, message: str) -> None:
    assert complaint(text).message.startswith(message)
