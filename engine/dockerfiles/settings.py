"""What instructions make of an image's configuration, and of the variables that later instructions see."""

import re
import signal
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from engine.dockerfiles.instructions import (
    Arg,
    Cmd,
    Command,
    Copy,
    Entrypoint,
    Env,
    Expose,
    Healthcheck,
    Instruction,
    Label,
    Onbuild,
    Run,
    Shell,
    Stopsignal,
    User,
    Volume,
    Workdir,
)
from engine.dockerfiles.problems import Mistake
from engine.dockerfiles.words import expand
from engine.images.model import ImageConfig, ImageHealth

_USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy")
PROXY_ARGUMENTS = frozenset((*_PROXIES, *(name.upper() for name in _PROXIES)))
_PORT = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?(?:/([A-Za-z]+))?")
_REAL_TIME = re.compile(r"SIGRTM(IN(\+\d{1,2})?|AX(-\d{1,2})?)")
_PROTOCOLS = frozenset({"tcp", "udp", "sctp"})


class Given(NamedTuple):
    """What the build was asked for: `arguments` by the user; `inherited` by the file's beginning and the platform."""

    arguments: Mapping[str, str]
    inherited: Mapping[str, str]
    escape: str = "\\"


class Settings(NamedTuple):
    """Where a stage has got to. `own_command`: CMD stood in this stage, so ENTRYPOINT leaves it alone."""

    config: ImageConfig
    arguments: Mapping[str, str] = {}
    own_command: bool = False

    @property
    def variables(self) -> dict[str, str]:
        """What variables in an instruction stand for: ENV wins over ARG."""
        return {**self.arguments, **self.config.environment}


def at_begin(base: ImageConfig) -> ImageConfig:
    """What a stage inherits: its triggers are used up, and programs are looked for where they usually are."""
    usual = {} if "PATH" in base.environment else {"PATH": _USUAL_PATH}
    return msgspec.structs.replace(base, on_build=(), environment={**usual, **base.environment})


def after(instruction: Instruction, settings: Settings, given: Given) -> Settings:
    """The settings that hold after an instruction; Mistake when it makes no sense."""
    match instruction:
        case Run() | Copy():
            return settings
        case Arg(arguments=declared):
            return settings._replace(arguments=declare(declared, settings, given))
        case Cmd(command=command):
            argv = in_shell(command, settings.config)
            return settings._replace(config=_with(settings, command=argv), own_command=True)
        case Entrypoint(command=command):
            kept = settings.config.command if settings.own_command else ()
            entrypoint = in_shell(command, settings.config)
            return settings._replace(config=_with(settings, entrypoint=entrypoint, command=kept))
        case _:
            return settings._replace(config=_configured(instruction, settings, given.escape))


def declare(declared: tuple[tuple[str, str | None], ...], settings: Settings, given: Given) -> dict[str, str]:
    """The arguments in scope after ARG: what the user gave wins, then the file's beginning, then the default."""
    arguments = dict(settings.arguments)
    for name, default in declared:
        value = given.arguments.get(name)
        if value is None and default is not None:
            value = expand(default, {**arguments, **settings.config.environment}, given.escape)
        if value is None:
            value = given.inherited.get(name)
        if value is not None:
            arguments[name] = value
    return arguments


def in_shell(command: Command, config: ImageConfig) -> tuple[str, ...]:
    """The argv of a command: the shell form is given to the image's shell."""
    return command.argv if command.argv is not None else (*config.shell, command.text)


def working_directory(current: str, path: str) -> str:
    """Where WORKDIR leads: relative paths start from the current one."""
    parts: list[str] = []
    for part in f"{current}/{path}".split("/") if not path.startswith("/") else path.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in {"", "."}:
            parts.append(part)
    return "/" + "/".join(parts)


def _configured(  # noqa: C901 -- one case for each instruction
    instruction: Instruction,
    settings: Settings,
    escape: str,
) -> ImageConfig:
    config, variables = settings.config, settings.variables

    def value(word: str) -> str:
        return expand(word, variables, escape)

    def merged(known: dict[str, str], pairs: tuple[tuple[str, str], ...]) -> dict[str, str]:
        return known | {value(name): value(word) for name, word in pairs}

    changes: dict[str, object] = {}
    match instruction:
        case Env(variables=pairs):
            changes["environment"] = merged(config.environment, pairs)
        case Label(labels=pairs):
            changes["labels"] = merged(config.labels, pairs)
        case Workdir(path=path):
            changes["working_directory"] = working_directory(config.working_directory, value(path))
        case User(user=user):
            changes["user"] = value(user)
        case Expose(ports=words):
            ports = parse_ports(" ".join(value(word) for word in words))
            changes["exposed_ports"] = tuple(dict.fromkeys((*config.exposed_ports, *ports)))
        case Volume(paths=paths):
            changes["volumes"] = tuple(dict.fromkeys((*config.volumes, *(value(path) for path in paths))))
        case Shell(argv=argv):
            changes["shell"] = argv
        case Stopsignal(signal=name):
            changes["stop_signal"] = parse_signal(value(name))
        case Healthcheck():
            changes["health"] = _health(instruction)
        case Onbuild(trigger=trigger):
            changes["on_build"] = (*config.on_build, trigger)
    return _with(settings, **changes)


def _with(settings: Settings, **changes: object) -> ImageConfig:
    return msgspec.structs.replace(settings.config, **changes)


def _health(instruction: Healthcheck) -> ImageHealth:
    if instruction.command is None:
        return ImageHealth(argv=("NONE",))
    argv = instruction.command.argv
    return ImageHealth(
        argv=("CMD", *argv) if argv is not None else ("CMD-SHELL", instruction.command.text),
        interval_seconds=instruction.interval_seconds,
        timeout_seconds=instruction.timeout_seconds,
        start_period_seconds=instruction.start_period_seconds,
        start_interval_seconds=instruction.start_interval_seconds,
        retries=instruction.retries,
    )


def parse_ports(text: str) -> tuple[str, ...]:
    """`80 53/udp 8000-8002` as single ports with their protocols."""
    ports: list[str] = []
    for word in text.split():
        match = _PORT.fullmatch(word)
        if match is None:
            raise Mistake(f"EXPOSE: {word!r} is no port", hint="write 80, 53/udp or 8000-8010")
        first, last, protocol = int(match[1]), int(match[2] or match[1]), (match[3] or "tcp").lower()
        if not 0 < first <= last <= 65535 or protocol not in _PROTOCOLS:
            raise Mistake(f"EXPOSE: {word!r} is no port", hint="they go from 1 to 65535, by tcp, udp or sctp")
        ports += (f"{port}/{protocol}" for port in range(first, last + 1))
    return tuple(ports)


def parse_signal(text: str) -> str:
    """A signal's name with SIG, from a name or a number."""
    if text.isascii() and text.isdigit():
        try:
            return signal.Signals(int(text)).name
        except ValueError:
            raise Mistake(f"STOPSIGNAL: there is no signal {text}") from None
    name = text.upper() if text.upper().startswith("SIG") else f"SIG{text.upper()}"
    if name not in signal.Signals.__members__ and not _REAL_TIME.fullmatch(name):
        raise Mistake(f"STOPSIGNAL: there is no signal {text}")
    return name
