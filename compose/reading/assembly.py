"""Puts the documents of a project, of what they include, of what they extend, together to one."""

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import NamedTuple

from compose import codes
from compose.errors import FileError, Problem
from compose.grammar.as_written import Hiding, WrittenReading
from compose.grammar.keys import DOCUMENT
from compose.grammar.service_keys import SERVICE
from compose.grammar.shapes import Reading, Shape
from compose.nodes import Node
from compose.phases import ALL, Phases
from compose.places import Place
from compose.reading.environments import env_file_variables
from compose.reading.inheritance import Inheritance, Layer
from compose.reading.interpolation import Interpolation
from compose.reading.merging import laid_under, merged, service_merged, settled
from compose.reading.overlaying import prepared
from compose.reading.sources import BY_COMMAND, Asked, Sources

MAX_INCLUSIONS = 1000
_INCLUDED = ("services", "networks", "volumes", "secrets", "configs", "models")


class Setting(NamedTuple):
    """What documents are read with: where relative paths begin, the variables, the files that include them.

    `including` are absolute paths with the place that includes each (None: the command line does). `letters` are the
    volumes with a name of one letter.
    """

    directory: str
    variables: Mapping[str, str]
    including: tuple[tuple[str, Place | None], ...] = ()
    letters: frozenset[str] = frozenset()


class Assembly:
    """Gathers what is found on the way: problems, warnings, the places of keys that are not supported yet.

    `unset` are the variables without value or default, by the places of their warnings. With `hiding`, variables stay
    names.
    """

    def __init__(self, sources: Sources, phases: Phases = ALL, hiding: Hiding | None = None) -> None:
        self._sources = sources
        self._phases = phases
        self._hiding = hiding
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.later: set[Place] = set()
        self.unset: dict[Place, str] = {}
        self._layers: dict[tuple[str, int], Layer | None] = {}
        self._inclusions = 0

    def document(self, files: Sequence[str], setting: Setting, asked: Asked = BY_COMMAND) -> Node | None:
        """All documents of the files laid over one another in canonical form; None when none can be used."""
        whole: Node | None = None
        volumes = (
            root.fields["volumes"] for path in files for root in self._roots(path, asked) if "volumes" in root.fields
        )
        letters = setting.letters.union(name for node in volumes for name in node.fields if len(name) == 1)
        setting = setting._replace(letters=letters)
        for path in files:
            setting = setting._replace(including=(*setting.including, (path, asked.place)))
            for root in self._roots(path, asked):
                layer = self._layer(root, setting, whole)
                if layer is not None:
                    whole = layer if whole is None else merged(whole, layer)
        return settled(whole) if whole is not None and self._sources.marked else whole

    def _roots(self, path: str, asked: Asked) -> tuple[Node, ...]:
        try:
            return self._sources.documents(path, asked)
        except FileError as error:
            self.problems += error.problems
            return ()

    def _layer(self, root: Node, setting: Setting, base: Node | None) -> Node | None:
        """One document that is to lie over `base`, with what it includes, and with what its services extend."""
        written = self.interpolated(root, setting)
        if base is not None:
            written = prepared(written, base)
        document = self.read(DOCUMENT, _without_unsaid(written), "", setting)
        if document is None:
            return None
        if "include" in document.fields:
            document = self._with_included(document, setting)
        services = document.fields.get("services")
        if services is None or not any("extends" in service.fields for service in services.fields.values()):
            return document
        inheritance = Inheritance()
        layer = _Document(self, setting, root, services)
        complete = {name: inheritance.service(layer, name) or service for name, service in services.fields.items()}
        self.problems += inheritance.problems
        return document.with_value({**document.fields, "services": services.with_value(complete)})

    def interpolated(self, root: Node, setting: Setting) -> Node:
        """A document with variables in all values."""
        if self._hiding is not None:
            return self._hiding.hidden(root)
        interpolation = Interpolation(setting.variables.get)
        result = interpolation.document(root)
        self.problems += interpolation.problems
        self.warnings += [
            Problem(place, f"the variable {name} is not set; it is taken as empty", "", codes.UNSET_VARIABLE)
            for name, place in interpolation.unset.items()
        ]
        self.unset.update({place: name for name, place in interpolation.unset.items()})
        return result

    def read(self, shape: Shape, node: Node, path: str, setting: Setting) -> Node | None:
        """A value in canonical form; None when it is wrong."""
        kind = Reading if self._hiding is None else WrittenReading
        home = setting.variables.get("HOME", "/root")
        reading = kind(setting.directory, home, setting.letters, resolves_paths=self._phases.paths, remedy=_remedy)
        result = reading.attempt(shape, node, path)
        self.problems += reading.problems
        self.warnings += reading.warnings
        self.later |= reading.later
        return result

    def _with_included(self, document: Node, setting: Setting) -> Node:
        include = document.fields["include"]
        document = document.with_value({key: child for key, child in document.fields.items() if key != "include"})
        for index, entry in enumerate(include.entries):
            included = self._included(entry, f"include[{index}]", setting)
            if included is not None:
                document = laid_under(included, document, _INCLUDED)
        return document

    def _included(self, entry: Node, said: str, setting: Setting) -> Node | None:
        """The document that one entry of `include` stands for: the project of its first file, on which others lie."""
        self._inclusions += 1
        if self._inclusions > MAX_INCLUSIONS:
            if self._inclusions == MAX_INCLUSIONS + 1:
                message = f"{said}: files include files more than {MAX_INCLUSIONS} times"
                hint = "include each file once, at the top"
                self.problems.append(Problem(entry.place, message, hint, codes.TOO_LARGE))
            return None
        paths = entry.fields["path"].entries if "path" in entry.fields else ()
        remote = next((path for path in paths if is_remote(str(path.value))), None)
        if remote is not None:
            message = f"{said}: '{remote.value}' lies elsewhere, and fetching files is not supported yet"
            self.problems.append(Problem(remote.place, message, "include a local file", codes.NOT_YET))
            return None
        if not paths:
            message = f"{said} names no file"
            self.problems.append(Problem(entry.place, message, "write the path of a Compose file", codes.MISSING_KEY))
            return None
        files = [os.path.normpath(os.path.join(setting.directory, str(path.value))) for path in paths]
        chain = [path for path, _ in setting.including]
        if files[0] in chain:
            self._tell_circle(files[0], paths[0].place, setting.including[chain.index(files[0]) :])
            return None
        given = entry.fields.get("project_directory")
        directory = os.path.dirname(files[0])
        if given is not None and given.value:
            directory = os.path.normpath(os.path.join(setting.directory, str(given.value)))
            if not os.path.isdir(directory):  # Compose takes any file in it for the directory
                directory = os.path.dirname(directory)
        try:
            variables = self._variables(entry, directory, setting)
        except FileError as error:
            self.problems += error.problems
            return None
        inner = Setting(directory, variables, setting.including)
        return self.document(files, inner, Asked(paths[0].place, f"{said} wants", "check the path of the file"))

    def _variables(self, entry: Node, directory: str, setting: Setting) -> Mapping[str, str]:
        """The variables of an included project: those of the including one over those of its env files."""
        named = entry.fields.get("env_file")
        if named is None or not named.entries:
            path = os.path.join(directory, ".env")
            return env_file_variables(setting.variables, (path,), self._sources.shown, required=False)
        paths = (os.path.join(setting.directory, str(path.value)) for path in named.entries)
        wanted = tuple(path for path in paths if path != os.devnull)
        return env_file_variables(setting.variables, wanted, self._sources.shown, place=named.place)

    def _tell_circle(self, path: str, place: Place, links: tuple[tuple[str, Place | None], ...]) -> None:
        shown = [self._sources.shown(path) for path, _ in links]
        places = [*(place for _, place in links[1:] if place is not None), place]
        way = " -> ".join((*shown, self._sources.shown(path)))
        message = f"files include each other in a circle: {way}"
        hint = f"break one of: {', '.join(map(str, places))}"
        self.problems.append(Problem(place, message, hint, codes.CIRCLE, tuple(places[:-1])))

    def other(self, file: Node, service_name: str, setting: Setting) -> "Layer | None":
        """The services of a file that `extends` of a service names."""
        text = str(file.value)
        if is_remote(text):
            message = f"services.{service_name} extends '{text}', and fetching files is not supported yet"
            self.problems.append(Problem(file.place, message, "extend a service of a local file", codes.NOT_YET))
            return None
        path = os.path.normpath(os.path.join(setting.directory, text))
        key = (path, id(setting.variables))
        if key not in self._layers:
            asked = Asked(file.place, f"services.{service_name} extends a service of", "check the path of the file")
            self._layers[key] = self._file(path, asked, setting._replace(directory=os.path.dirname(path)))
        return self._layers[key]

    def _file(self, path: str, asked: Asked, setting: Setting) -> "_File | None":
        roots = self._roots(path, asked)
        if not roots:
            return None
        documents = [self.interpolated(root, setting) for root in roots]
        return _File(self, setting, self._sources.shown(path), documents)


def is_remote(path: str) -> bool:
    """Whether a file lies in a registry or in a Git repository."""
    return path.startswith(("oci://", "git@", "git://", "ssh://", "http://", "https://", "github.com/"))


def _heir(service: Node) -> Node:
    """A service that extends another, without its empty values: they leave things as they are there."""
    extends = service.fields.get("extends")
    return service if extends is None or extends.tag else prepared(service, None)


def _without_unsaid(document: Node) -> Node:
    """A document whose services say nothing empty where they extend others."""
    services = document.fields.get("services")
    if services is None or not any("extends" in service.fields for service in services.fields.values()):
        return document
    heirs = services.with_value({name: _heir(service) for name, service in services.fields.items()})
    return document.with_value({**document.fields, "services": heirs})


class _Document:
    """The services of a document: as they are written, and in canonical form."""

    def __init__(self, assembly: Assembly, setting: Setting, written: Node, canonical: Node) -> None:
        self._assembly = assembly
        self._setting = setting
        self._names = written.fields["services"].fields | canonical.fields
        self._services = canonical.fields
        self.name = written.place.file

    def names(self) -> Mapping[str, object]:
        """The services' names."""
        return self._names

    def service(self, name: str) -> Node | None:
        """One service."""
        return self._services.get(name)

    def other(self, file: Node, service_name: str) -> Layer | None:
        """The services of another file."""
        return self._assembly.other(file, service_name, self._setting)


class _File:
    """The services of a file that is read for them alone: only those that are asked for are looked at."""

    def __init__(self, assembly: Assembly, setting: Setting, name: str, documents: Iterable[Node]) -> None:
        self._assembly = assembly
        self._setting = setting
        self._services = [document.fields["services"] for document in documents if "services" in document.fields]
        self._read: dict[str, Node | None] = {}
        self.name = name

    def names(self) -> Mapping[str, object]:
        """The services' names."""
        return {name: None for services in self._services for name in services.fields}

    def service(self, name: str) -> Node | None:
        """One service."""
        if name not in self._read:
            written = [services.fields[name] for services in self._services if name in services.fields]
            read = [self._assembly.read(SERVICE, _heir(node), f"services.{name}", self._setting) for node in written]
            self._read[name] = reduce(service_merged, filter(None, read), None)
        return self._read[name]

    def other(self, file: Node, service_name: str) -> Layer | None:
        """The services of another file."""
        return self._assembly.other(file, service_name, self._setting)


def _remedy(key: str, child: Node, path: str, known: frozenset[str]) -> str:
    from compose.grammar.misplaced import remedy  # noqa: PLC0415 - only a mistake needs it

    return remedy(key, child, path, known)
