"""A Dockerfile as values: what each instruction says, its variables not yet replaced."""

from typing import NamedTuple

from engine.dockerfiles.lines import Heredoc


class Command(NamedTuple):
    """What to run: `argv` as written (exec form), or `text` for the shell."""

    text: str
    argv: tuple[str, ...] | None = None


class From(NamedTuple):
    """Begins a stage."""

    line: int
    text: str
    image: str
    name: str = ""
    platform: str = ""


class Arg(NamedTuple):
    """Declares build arguments with their defaults (None: none)."""

    line: int
    text: str
    arguments: tuple[tuple[str, str | None], ...]


class Env(NamedTuple):
    """Sets variables."""

    line: int
    text: str
    variables: tuple[tuple[str, str], ...]


class Label(NamedTuple):
    """Sets labels."""

    line: int
    text: str
    labels: tuple[tuple[str, str], ...]


class Run(NamedTuple):
    """Runs a command. `script` is a here-document that is the whole command.

    `mounts` are as written (see engine.dockerfiles.runmounts); `network` and `security` may be empty.
    """

    line: int
    text: str
    command: Command
    script: Heredoc | None = None
    mounts: tuple[str, ...] = ()
    network: str = ""
    security: str = ""


class Copy(NamedTuple):
    """COPY, or with `is_add` ADD.

    `origin` is what --from names, `mode` is --chmod. `unpack` None is as usual: ADD unpacks local archives.
    With `link` the files do not depend on what they are put upon, with `parents` they keep their directories.
    """

    line: int
    text: str
    sources: tuple[str, ...]
    destination: str
    heredocs: tuple[Heredoc, ...] = ()
    origin: str = ""
    owner: str = ""
    mode: str = ""
    is_add: bool = False
    unpack: bool | None = None
    link: bool = False
    parents: bool = False
    exclude: tuple[str, ...] = ()
    checksum: str = ""


class Workdir(NamedTuple):
    """Changes the working directory."""

    line: int
    text: str
    path: str


class User(NamedTuple):
    """Changes who runs commands."""

    line: int
    text: str
    user: str


class Expose(NamedTuple):
    """Names ports that the image listens on."""

    line: int
    text: str
    ports: tuple[str, ...]


class Volume(NamedTuple):
    """Names directories that keep data."""

    line: int
    text: str
    paths: tuple[str, ...]


class Cmd(NamedTuple):
    """Sets the default command."""

    line: int
    text: str
    command: Command


class Entrypoint(NamedTuple):
    """Sets the program that the command is given to."""

    line: int
    text: str
    command: Command


class Shell(NamedTuple):
    """Sets the shell of shell forms."""

    line: int
    text: str
    argv: tuple[str, ...]


class Stopsignal(NamedTuple):
    """Sets the signal that stops a container."""

    line: int
    text: str
    signal: str


class Healthcheck(NamedTuple):
    """Sets how to find out whether a container works; `command` None: not at all. Times in seconds."""

    line: int
    text: str
    command: Command | None
    interval_seconds: float | None = None
    timeout_seconds: float | None = None
    start_period_seconds: float | None = None
    start_interval_seconds: float | None = None
    retries: int | None = None


class Onbuild(NamedTuple):
    """Keeps an instruction for those who build on the image."""

    line: int
    text: str
    trigger: str


Instruction = (
    Arg
    | Env
    | Label
    | Run
    | Copy
    | Workdir
    | User
    | Expose
    | Volume
    | Cmd
    | Entrypoint
    | Shell
    | Stopsignal
    | Healthcheck
    | Onbuild
)


class Stage(NamedTuple):
    """What one FROM begins; `number` counts from 0."""

    number: int
    begin: From
    instructions: tuple[Instruction, ...]

    @property
    def title(self) -> str:
        """What people call it."""
        return self.begin.name or f"stage {self.number}"


class Dockerfile(NamedTuple):
    """A whole file; `arguments` are those before the first FROM."""

    file: str
    escape: str
    arguments: tuple[Arg, ...]
    stages: tuple[Stage, ...]
    warnings: tuple[str, ...] = ()
