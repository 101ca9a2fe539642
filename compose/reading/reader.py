"""Reads Compose files into a stack: parse, interpolate, validate, merge, fill in, decode, check."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple, NoReturn

from msgspec import structs

from compose import codes
from compose.decoding.stack import Decoder
from compose.errors import FileError, Problem
from compose.grammar.as_written import Hiding
from compose.model import Service, Stack
from compose.nodes import Node
from compose.phases import ALL, Phases
from compose.places import Place
from compose.reading.assembly import Assembly, Setting
from compose.reading.checks import check
from compose.reading.discovery import derived_name, is_project_name
from compose.reading.environments import EnvFiles
from compose.reading.interpolation import Interpolation
from compose.reading.namespace_modes import with_partners
from compose.reading.network_modes import with_settled_modes
from compose.reading.normal import Project, completed, with_environments
from compose.reading.obstacles import OBSTACLES, obstacles
from compose.reading.provenance import Places
from compose.reading.selection import with_used_resources
from compose.reading.sources import OVERLAY, Sources
from compose.reading.surroundings import Wishes, find_surroundings


class ReadRequest(NamedTuple):
    """What to read. `files` empty: discover them; "-" is standard input, which `stdin` reads when it is wanted.

    `services` are those that the user named: their profiles become active. With `unused`, networks and volumes that no
    service uses are kept. `overlay` is one more file, over all others.
    `separator` is that of names. `environment` is the whole environment.
    """

    working_directory: str
    environment: Mapping[str, str]
    files: tuple[str, ...] = ()
    project_name: str = ""
    project_directory: str = ""
    profiles: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    env_files: tuple[str, ...] = ()
    stdin: Callable[[], bytes] = bytes
    phases: Phases = ALL
    separator: str = "-"
    unused: bool = False
    overlay: bytes = b""


def read_stack(request: ReadRequest) -> Stack:
    """The stack that the files describe; raises FileError with everything that is wrong with them."""
    return _Reader(request).stack()


def read_written(request: ReadRequest) -> Node:
    """The files as one document whose variables are still names; raises FileError."""
    return _Reader(request, Hiding()).written()


class _Reader:
    """One reading: gathers problems and warnings over all files."""

    def __init__(self, request: ReadRequest, hiding: Hiding | None = None) -> None:
        self._request = request
        self._sources = Sources(request.working_directory, request.stdin, request.overlay)
        wishes = Wishes(request.files, request.project_directory, request.env_files)
        self._project, self._variables, self._env_files = find_surroundings(
            wishes, request.working_directory, request.environment, self._sources.shown
        )
        self._hiding = hiding
        self._files = (*self._project.files, OVERLAY) if request.overlay else self._project.files
        self._assembly = Assembly(self._sources, request.phases, hiding)
        self._problems: list[Problem] = []

    def stack(self) -> Stack:
        parsed = self._parsed()
        self._give_up_if_wrong()
        name = self._name(parsed)
        self._variables["COMPOSE_PROJECT_NAME"] = name
        document = self._document()
        if self._problems:
            self._look_further(document, name)
        stack = self._completed(document, name)
        self._give_up_if_wrong()
        return stack if self._request.unused else with_used_resources(stack)

    def written(self) -> Node:
        parsed = self._parsed()
        self._give_up_if_wrong()
        name = self._name(parsed)
        document = self._document()
        self._give_up_if_wrong()
        assert self._hiding is not None  # noqa: S101 - see read_written
        document = self._hiding.shown(document)
        normalization = self._request.phases.normalization
        project = Project(name, self._project.directory)
        return completed(document, project=project, variables=self._variables) if normalization else document

    def _completed(self, document: Node, name: str) -> Stack:
        """The stack of a canonical document, with what only shows when everything is seen together."""
        services = document.fields.get("services", Node({}, document.place)).fields
        active = self._active_profiles(services)
        enabled = frozenset(key for key, node in services.items() if _is_enabled(node, active))
        env_files = EnvFiles(self._variables, self._sources.shown, self._project.directory)
        if self._request.phases.normalization:
            project = Project(name, self._project.directory)
            document = completed(document, project=project, variables=self._variables)
        if self._request.phases.environment:
            document = with_environments(document, env_files=env_files, enabled=enabled)
        self._problems += env_files.problems
        self._explain_unset(env_files.defined)
        stack, found = self._decoded(document, name, enabled)
        stack = with_partners(with_settled_modes(stack))
        found = [*found, *check(stack)] if self._request.phases.consistency else []
        self._problems += [problem for problem in found if problem.code not in OBSTACLES]
        later = [*stack.obstacles, *(problem for problem in found if problem.code in OBSTACLES)]
        if self._assembly.later:
            later += obstacles(document, self._assembly.later, stack.disabled.keys())
        return structs.replace(stack, obstacles=tuple(sorted(later))) if later else stack

    def _explain_unset(self, defined: Mapping[str, str]) -> None:
        """Tells why a variable that some env_file sets is not set in the file: the commonest mistake with them."""
        unset = self._assembly.unset
        for index, warning in enumerate(self._assembly.warnings):
            file = defined.get(unset.get(warning.place, ""))
            if file and warning.code == codes.UNSET_VARIABLE:
                hint = f"{file} sets it, but for containers alone: set it in .env, too, or give --env-file {file}"
                self._assembly.warnings[index] = warning._replace(hint=hint)

    def _look_further(self, document: Node, name: str) -> NoReturn:
        """Gives up with what else is wrong: the mistakes so far are in services alone, so that others can be judged.

        Of services with mistakes, the keys that hold none are judged; they count as having an image.
        """
        earlier, self._problems = self._problems, []
        written = self._written_services()
        broken = {_service_of(problem, written) for problem in earlier}
        if "" not in broken and not any("extends" in service.fields for service in written.values()):
            services = document.fields.get("services", document.with_value({}))
            sound = {
                key: _sound(key, services.fields.get(key, node.with_value({})), earlier)
                for key, node in written.items()
            }
            fields = {**document.fields, "services": services.with_value(sound)}
            self._completed(document.with_value(fields), name)
        self._problems = [*earlier, *self._problems]
        self._give_up_if_wrong()
        raise AssertionError("there was a problem before")

    def _written_services(self) -> dict[str, Node]:
        """The services of all files as they stand there."""
        return {
            key: node
            for root in self._sources.parsed()
            if "services" in root.fields
            for key, node in root.fields["services"].fields.items()
        }

    def _give_up_if_wrong(self) -> None:
        if self._problems:
            files = self._sources.order()
            problems = dict.fromkeys(self._problems)
            order = sorted(problems, key=lambda each: (files.get(each.place.file, -1), each.place))
            raise FileError(tuple(order))

    def _parsed(self) -> list[Node]:
        """Every document of every file that the command line names."""
        parsed: list[Node] = []
        for path in self._files:
            try:
                parsed += self._sources.documents(path)
            except FileError as error:
                self._problems += error.problems
        return parsed

    def _document(self) -> Node:
        """All documents laid over one another, in canonical form."""
        whole = self._assembly.document(self._files, Setting(self._project.directory, self._variables))
        self._problems += self._assembly.problems
        if whole is None:
            self._give_up_if_wrong()
        assert whole is not None  # noqa: S101 - there is a document, or a problem
        return whole

    def _name(self, roots: list[Node]) -> str:
        """The project's name: the command line's, the environment's, the last file's, the directory's."""
        rules = "use lower case letters, digits, '-' and '_', a letter or digit first"
        given = self._request.project_name or self._variables.get("COMPOSE_PROJECT_NAME", "")
        place = Place("-p" if self._request.project_name else "COMPOSE_PROJECT_NAME")
        if not given:
            written = next((root.fields["name"] for root in reversed(roots) if "name" in root.fields), None)
            if written is not None and isinstance(written.value, str):
                said = str(Interpolation(self._variables.get).document(written).value)
                given, place = derived_name(said.replace("/", "")) or said, written.place
        if not given:
            given, place = derived_name(self._project.directory), Place(self._project.directory)
            rules = "give the project a name with -p"
        if not is_project_name(given):
            self._problems.append(Problem(place, f"'{given}' is no name for a project", rules, codes.PROJECT_NAME))
        return given

    def _active_profiles(self, services: Mapping[str, Node]) -> frozenset[str]:
        named = self._request.profiles or self._variables.get("COMPOSE_PROFILES", "").split(",")
        active = {name.strip() for name in named}
        self._warn_of_unknown(active - {"", "*"}, services)
        for key in self._request.services:
            if key in services:
                active.update(_profiles(services[key]))
        return frozenset(active - {""})

    def _warn_of_unknown(self, wanted: Collection[str], services: Mapping[str, Node]) -> None:
        if not wanted:
            return
        known = {profile for node in services.values() for profile in _profiles(node)}
        for name in sorted(set(wanted) - known):
            from compose.spelling import did_you_mean  # noqa: PLC0415 - only a mistake needs it

            place = Place("--profile" if name in self._request.profiles else "COMPOSE_PROFILES")
            hint = did_you_mean(name, known) or f"the profiles are: {', '.join(sorted(known)) or 'none'}"
            problem = Problem(place, f"no service has the profile '{name}'", hint, codes.UNKNOWN_PROFILE)
            self._assembly.warnings.append(problem)

    def _decoded(self, document: Node, name: str, enabled: frozenset[str]) -> tuple[Stack, list[Problem]]:
        decoder, idle = Decoder(), Decoder()
        services: dict[str, Service] = {}
        disabled: dict[str, Service] = {}
        for key, node in document.fields["services"].fields.items():
            if key in enabled:
                services[key] = decoder.service(key, node)
            else:
                disabled[key] = idle.service(key, node)
        networks = document.fields.get("networks", Node({}, document.place)).fields
        volumes = document.fields.get("volumes", Node({}, document.place)).fields
        configs = document.fields.get("configs", Node({}, document.place)).fields
        secrets = document.fields.get("secrets", Node({}, document.place)).fields
        stack = Stack(
            name=name,
            directory=self._project.directory,
            files=self._project.files,
            separator=self._request.separator,
            services=services,
            networks={key: decoder.network(key, node) for key, node in networks.items()},
            volumes={key: decoder.volume(key, node) for key, node in volumes.items()},
            configs={key: decoder.content("configs", key, node, self._variables) for key, node in configs.items()},
            secrets={key: decoder.content("secrets", key, node, self._variables) for key, node in secrets.items()},
            disabled=disabled,
            places=Places(document),
            warnings=(*self._project.warnings, *self._assembly.warnings, *decoder.findings.warnings),
            variables=self._variables,
            env_files=self._env_files,
            document=document,
        )
        return structs.replace(stack, obstacles=tuple(decoder.findings.obstacles)), [
            *decoder.findings.problems,
            *idle.findings.problems,
        ]


def _sound(name: str, service: Node, problems: Iterable[Problem]) -> Node:
    """A service without the keys that problems are about; with an image, if that leaves it nothing to run."""
    paths = [problem.message.removeprefix(f"services.{name}.") for problem in problems]
    blamed = {path.partition(":")[0].partition(".")[0].partition("[")[0].partition(" ")[0] for path in paths}
    fields = {key: node for key, node in service.fields.items() if key not in blamed}
    if not fields.keys() & {"image", "build", "provider"}:
        fields["image"] = Node("-", service.place)
    return service.with_value(fields)


def _service_of(problem: Problem, services: Mapping[str, Node]) -> str:
    """The service that a problem's message begins with, the longest name that fits; empty when there is none."""
    path = problem.message.removeprefix("services.")
    if path == problem.message:
        return ""
    fitting = (name for name in services if path.startswith((f"{name}.", f"{name} ", f"{name}[")))
    return max(fitting, key=len, default="")


def _profiles(service: Node) -> tuple[str, ...]:
    node = service.fields.get("profiles")
    return tuple(str(entry.value) for entry in node.entries) if node else ()


def _is_enabled(service: Node, active: frozenset[str]) -> bool:
    profiles = _profiles(service)
    return not profiles or "*" in active or not active.isdisjoint(profiles)
