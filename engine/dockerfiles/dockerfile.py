"""Reads a Dockerfile: its text becomes instructions, and all that is wrong with it is told at once."""

import difflib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from engine.dockerfiles import arguments
from engine.dockerfiles.instructions import (
    Arg,
    Cmd,
    Command,
    Copy,
    Dockerfile,
    Entrypoint,
    Env,
    Expose,
    From,
    Healthcheck,
    Instruction,
    Label,
    Onbuild,
    Run,
    Shell,
    Stage,
    Stopsignal,
    User,
    Volume,
    Workdir,
)
from engine.dockerfiles.lines import Heredoc, LogicalLine, read_lines
from engine.dockerfiles.problems import Mistake, Problem, failure
from engine.dockerfiles.runmounts import check_mount

_TRIGGERLESS = frozenset({"FROM", "MAINTAINER", "ONBUILD"})
_REMOTE = ("http://", "https://")
_GIT = ("git@", "git://", "ssh://")


def parse_dockerfile(text: str, file: str) -> Dockerfile:
    """Reads a text; `file` is what people call it. BuildError tells every problem with its line."""
    lines = read_lines(text)
    problems = list(lines.problems)
    before: list[Arg] = []
    begun: list[tuple[From, list[Instruction]]] = []
    for line in lines.lines:
        try:
            instruction = _parse(line, lines.escape)
        except Mistake as mistake:
            problems.append(Problem(line.number, mistake.message, mistake.hint))
            continue
        if isinstance(instruction, From):
            begun.append((instruction, []))
        elif begun:
            begun[-1][1].append(instruction)
        elif isinstance(instruction, Arg):
            before.append(instruction)
        else:
            problems.append(Problem(line.number, "only ARG may come before FROM", "begin with FROM"))
    if not begun and not problems:
        problems.append(Problem(1, "there is no FROM", "begin with the image to build on: FROM debootstrap:bookworm"))
    stages = tuple(Stage(number, begin, tuple(body)) for number, (begin, body) in enumerate(begun))
    problems += _repeated_names(stages)
    if problems:
        raise failure(file, problems)
    return Dockerfile(file, lines.escape, tuple(before), stages, lines.warnings)


def parse_triggers(triggers: tuple[str, ...], line: int) -> tuple[Instruction, ...]:
    """Reads what an image keeps for those who build on it; all of it counts as standing on `line`. Mistake tells."""
    found: list[Instruction] = []
    for trigger in triggers:
        lines = read_lines(trigger)
        if lines.problems:
            raise Mistake(f"ONBUILD {trigger}: {lines.problems[0].message}")
        for read in lines.lines:
            instruction = _parse(read._replace(number=line), lines.escape)
            if isinstance(instruction, From | Onbuild):
                raise Mistake(f"the base image keeps a trigger that none can be: {trigger}")
            found.append(instruction)
    return tuple(found)


def _repeated_names(stages: tuple[Stage, ...]) -> list[Problem]:
    seen: dict[str, int] = {}
    problems = []
    for stage in stages:
        name = stage.begin.name
        if name and name in seen:
            problems.append(Problem(stage.begin.line, f"a stage named {name!r} began on line {seen[name]} already"))
        elif name:
            seen[name] = stage.begin.line
    return problems


def _parse(line: LogicalLine, escape: str) -> From | Instruction:
    words = line.text.split(maxsplit=1)
    keyword, rest = words[0].upper(), words[1] if len(words) > 1 else ""
    parse = _PARSERS.get(keyword)
    if parse is None:
        close = difflib.get_close_matches(keyword, _PARSERS, n=1)
        raise Mistake(f"unknown instruction {words[0]!r}", hint=f"did you mean {close[0]}?" if close else "")
    if not rest:
        raise Mistake(f"{keyword} needs a value")
    return parse(_Said(line.number, line.text, rest, escape, line.heredocs))


class _Said(NamedTuple):
    """What an instruction's parser reads: `rest` is what follows the keyword."""

    line: int
    text: str
    rest: str
    escape: str
    heredocs: tuple[Heredoc, ...]


def _from(said: _Said) -> From:
    flags, rest = arguments.take_flags("FROM", said.rest, {"platform"})
    words = rest.split()
    if len(words) == 1:
        return From(said.line, said.text, words[0], platform=flags.text("platform"))
    if len(words) != 3 or words[1].upper() != "AS":
        raise Mistake("FROM is written: FROM image [AS name]")
    return From(said.line, said.text, words[0], arguments.stage_name(words[2]), flags.text("platform"))


def _arg(said: _Said) -> Arg:
    found = []
    for word in arguments.words(said.rest, said.escape):
        name, equals, default = word.partition("=")
        arguments.check_variable_name("ARG", name)
        found.append((name, default if equals else None))
    return Arg(said.line, said.text, tuple(found))


def _env(said: _Said) -> Env:
    return Env(said.line, said.text, arguments.pairs("ENV", said.rest, said.escape))


def _label(said: _Said) -> Label:
    return Label(said.line, said.text, arguments.pairs("LABEL", said.rest, said.escape))


def _maintainer(said: _Said) -> Label:
    return Label(said.line, said.text, (("maintainer", said.rest),))


def _run(said: _Said) -> Run:
    flags, rest = arguments.take_flags(
        "RUN",
        said.rest,
        {"network", "security"},
        repeated={"mount"},
        refused={"device": "windlass hands no devices of the host to builds"},
        escape=said.escape,
    )
    for mount in flags.all("mount"):
        check_mount(mount)
    _one_of("RUN --network", flags.text("network"), ("default", "none", "host"))
    _one_of("RUN --security", flags.text("security"), ("sandbox", "insecure"))
    script = said.heredocs[0] if said.heredocs and rest == said.heredocs[0].word else None
    command = Command(rest + _bodies(said.heredocs)) if said.heredocs else arguments.command(rest)
    if not rest:
        raise Mistake("RUN has no command")
    return Run(
        line=said.line,
        text=said.text,
        command=command,
        script=script,
        mounts=flags.all("mount"),
        network=flags.text("network"),
        security=flags.text("security"),
    )


def _one_of(flag: str, value: str, known: tuple[str, ...]) -> None:
    if value and value not in known:
        raise Mistake(f"{flag} is {', '.join(known[:-1])} or {known[-1]}, not {value!r}")


def _bodies(heredocs: tuple[Heredoc, ...]) -> str:
    """Here-documents as a shell reads them, after the line that names them."""
    return "".join(f"\n{heredoc.content}{heredoc.name}" for heredoc in heredocs) + "\n" if heredocs else ""


def _copy(said: _Said) -> Copy:
    return _copying("COPY", said, {"from", "chown", "chmod"}, {"link", "parents"})


def _add(said: _Said) -> Copy:
    return _copying("ADD", said, {"chown", "chmod", "checksum"}, {"link", "unpack"})


def _copying(keyword: str, said: _Said, known: set[str], switches: set[str]) -> Copy:
    git = {"keep-git-dir": "windlass adds no repositories"} if keyword == "ADD" else {}
    flags, rest = arguments.take_flags(
        keyword, said.rest, known, switches=switches, repeated={"exclude"}, refused=git, escape=said.escape
    )
    words = arguments.exec_form(rest) or arguments.words(rest, said.escape)
    if len(words) < 2:
        raise Mistake(f"{keyword} needs a source and a destination")
    here = {heredoc.word for heredoc in said.heredocs}
    sources = tuple(word for word in words[:-1] if word not in here)
    for source in sources if keyword == "ADD" else ():
        if source.startswith(_GIT) or (source.startswith(_REMOTE) and source.partition("#")[0].endswith(".git")):
            raise Mistake(f"ADD of a repository ({source}) is refused", hint="clone it in a RUN step with git")
    if flags.text("from") and said.heredocs:
        raise Mistake(f"{keyword} --from cannot be used with a here-document")
    remote = [source for source in sources if source.startswith(_REMOTE)]
    if flags.text("checksum") and (len(remote), len(sources)) != (1, 1):
        raise Mistake("ADD --checksum needs one source, which is an address (https://...)")
    return Copy(
        line=said.line,
        text=said.text,
        sources=sources,
        destination=words[-1],
        heredocs=said.heredocs,
        origin=flags.text("from"),
        owner=flags.text("chown"),
        mode=flags.text("chmod"),
        is_add=keyword == "ADD",
        unpack=flags.switch("unpack"),
        link=flags.switch("link") or False,
        parents=flags.switch("parents") or False,
        exclude=flags.all("exclude"),
        checksum=flags.text("checksum"),
    )


def _onbuild(said: _Said) -> Onbuild:
    keyword = said.rest.split(maxsplit=1)[0].upper()
    if keyword in _TRIGGERLESS:
        raise Mistake(f"ONBUILD keeps no {keyword}", hint="it keeps RUN, COPY, ENV and others for images built on this")
    _parse(LogicalLine(said.line, said.rest, said.heredocs), said.escape)
    return Onbuild(said.line, said.text, said.rest + _bodies(said.heredocs).removesuffix("\n"))


def _workdir(said: _Said) -> Workdir:
    return Workdir(said.line, said.text, said.rest)


def _user(said: _Said) -> User:
    return User(said.line, said.text, said.rest)


def _expose(said: _Said) -> Expose:
    return Expose(said.line, said.text, arguments.words(said.rest, said.escape))


def _volume(said: _Said) -> Volume:
    return Volume(said.line, said.text, arguments.exec_form(said.rest) or arguments.words(said.rest, said.escape))


def _cmd(said: _Said) -> Cmd:
    return Cmd(said.line, said.text, arguments.command(said.rest))


def _entrypoint(said: _Said) -> Entrypoint:
    return Entrypoint(said.line, said.text, arguments.command(said.rest))


def _shell(said: _Said) -> Shell:
    argv = arguments.exec_form(said.rest)
    if not argv:
        raise Mistake("SHELL is written as a list", hint='for example SHELL ["/bin/bash", "-c"]')
    return Shell(said.line, said.text, argv)


def _stopsignal(said: _Said) -> Stopsignal:
    return Stopsignal(said.line, said.text, said.rest)


def _healthcheck(said: _Said) -> Healthcheck:
    known = {"interval", "timeout", "start-period", "start-interval", "retries"}
    flags, rest = arguments.take_flags("HEALTHCHECK", said.rest, known)
    kind, _, text = rest.partition(" ")
    if kind.upper() == "NONE" and not text and not flags:
        return Healthcheck(said.line, said.text, None)
    if kind.upper() != "CMD" or not text.strip():
        raise Mistake("HEALTHCHECK is written: HEALTHCHECK [flags] CMD command, or HEALTHCHECK NONE")
    return Healthcheck(
        said.line,
        said.text,
        arguments.command(text.strip()),
        interval_seconds=arguments.seconds(flags, "interval"),
        timeout_seconds=arguments.seconds(flags, "timeout"),
        start_period_seconds=arguments.seconds(flags, "start-period"),
        start_interval_seconds=arguments.seconds(flags, "start-interval"),
        retries=arguments.count(flags, "retries"),
    )


_Parser = Callable[[_Said], From | Instruction]
_PARSERS: Final[Mapping[str, _Parser]] = MappingProxyType(
    {
        "ADD": _add,
        "ARG": _arg,
        "CMD": _cmd,
        "COPY": _copy,
        "ENTRYPOINT": _entrypoint,
        "ENV": _env,
        "EXPOSE": _expose,
        "FROM": _from,
        "HEALTHCHECK": _healthcheck,
        "LABEL": _label,
        "MAINTAINER": _maintainer,
        "ONBUILD": _onbuild,
        "RUN": _run,
        "SHELL": _shell,
        "STOPSIGNAL": _stopsignal,
        "USER": _user,
        "VOLUME": _volume,
        "WORKDIR": _workdir,
    }
)
