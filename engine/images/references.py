"""What an image is called: names as people write them, in one canonical form."""

import re
from typing import NamedTuple
from urllib.parse import quote, unquote

from engine.errors import ImageError
from engine.images.suites import parse_suite

DEFAULT_REGISTRY = "docker.io"
DEFAULT_TAG = "latest"
_OFFICIAL = "library/"
_DEBOOTSTRAP = "library/debootstrap"
_LONGEST_FILE_NAME = 240

_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_REGISTRY = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Reference(NamedTuple):
    """An image's name: `repository` has its `library/` prefix; exactly one of `tag` and `digest` may be empty.

    `options` are those of `debootstrap:SUITE?options`, in their one order.
    """

    registry: str
    repository: str
    tag: str
    digest: str = ""
    options: str = ""

    @property
    def canonical(self) -> str:
        """The whole name, with nothing left to defaults."""
        return f"{self.registry}/{self.repository}{self._ending}"

    @property
    def familiar(self) -> str:
        """The name as people write it: without the default registry and its prefix for official images."""
        repository = self.repository
        if self.registry != DEFAULT_REGISTRY:
            repository = f"{self.registry}/{repository}"
        elif repository.count("/") == 1 and repository.startswith(_OFFICIAL):
            repository = repository.removeprefix(_OFFICIAL)
        elif _names_registry(repository.partition("/")[0]):
            repository = f"{self.registry}/{repository}"
        return f"{repository}{self._ending}"

    @property
    def file_name(self) -> str:
        """The canonical name as a file's name."""
        return quote(self.canonical, safe="")

    @property
    def suite(self) -> str:
        """What follows `debootstrap:` in a name that begins so, else empty; see engine.images.suites."""
        if (self.registry, self.repository, self.digest) == (DEFAULT_REGISTRY, _DEBOOTSTRAP, ""):
            return f"{self.tag}?{self.options}" if self.options else self.tag
        return ""

    @property
    def _ending(self) -> str:
        options = f"?{self.options}" if self.options else ""
        return (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "") + options


def parse_reference(text: str) -> Reference:
    """Reads a name such as `redis`, `redis:7`, `reg.example/app@sha256:...`; ImageError says what is wrong with it."""
    if "?" in text:
        return _with_options(text)
    name, at, digest = text.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        raise _malformed(text, "after @ comes sha256: with 64 hexadecimal digits, in lower case")
    before, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        before, tag = name, "" if digest else DEFAULT_TAG
    elif not _TAG.fullmatch(tag):
        raise _malformed(text, f"{tag!r} is no tag (letters, digits, underscore, dot, dash; at most 128)")
    registry, repository = _split_registry(before)
    if not _REGISTRY.fullmatch(registry):
        raise _malformed(text, f"{registry!r} is no registry's address")
    for component in repository.split("/"):
        if not _COMPONENT.fullmatch(component):
            wrong = repr(component) if component else "an empty part"
            raise _malformed(text, f"{wrong} is not allowed in a name (lower case letters, digits, . _ - in between)")
    reference = Reference(registry, repository, tag, digest)
    if len(reference.file_name) > _LONGEST_FILE_NAME:
        raise _malformed(text, "it is too long")
    return reference


def _with_options(text: str) -> Reference:
    before, _, options = text.partition("?")
    reference = parse_reference(before)
    if not reference.suite:
        raise _malformed(text, "only debootstrap:SUITE has options after a question mark")
    reference = reference._replace(options=parse_suite(f"{reference.tag}?{options}").options)
    if len(reference.file_name) > _LONGEST_FILE_NAME:
        raise _malformed(text, "it is too long: let a Dockerfile install the packages")
    return reference


def reference_of_file_name(file_name: str) -> Reference:
    """The reverse of `Reference.file_name`."""
    return parse_reference(unquote(file_name))


def _split_registry(name: str) -> tuple[str, str]:
    """A first part with a dot, a port or a capital letter is a registry; without one, the default's."""
    first, slash, rest = name.partition("/")
    if not slash or not _names_registry(first):
        first, rest = DEFAULT_REGISTRY, name
    registry = DEFAULT_REGISTRY if first == "index.docker.io" else first
    if registry == DEFAULT_REGISTRY and "/" not in rest:
        rest = _OFFICIAL + rest
    return registry, rest


def _names_registry(first: str) -> bool:
    return "." in first or ":" in first or first == "localhost" or first != first.lower()


def _malformed(text: str, reason: str) -> ImageError:
    return ImageError(f"{text!r} is no image's name: {reason}", hint="write it as [registry/]name[:tag][@digest]")
