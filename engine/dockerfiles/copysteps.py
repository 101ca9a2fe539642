"""Carries out COPY and ADD."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from engine.dockerfiles import copying
from engine.dockerfiles.copying import Manner, Written
from engine.dockerfiles.ignoring import parse_ignore_rules
from engine.dockerfiles.instructions import Copy
from engine.dockerfiles.ledger import Place
from engine.dockerfiles.modes import parse_mode
from engine.dockerfiles.remotes import Address, Known, check_checksum
from engine.dockerfiles.settings import Settings, working_directory
from engine.dockerfiles.site import BuildSite
from engine.dockerfiles.sources import NO_RULES, Root, Source, digests, find_sources
from engine.dockerfiles.stages import Origin
from engine.dockerfiles.steps import StepInputs, StepRecord
from engine.dockerfiles.words import expand, expand_text
from engine.images.ociconfig import digest_of
from engine.syscalls import Resolve

if TYPE_CHECKING:
    from engine.dockerfiles.addresses import Addresses

_REMOTE = ("http://", "https://")


def copy(
    site: BuildSite,
    place: Place,
    instruction: Copy,
    state: Settings,
    layers: tuple[str, ...],
    origins: Mapping[str, Origin],
) -> StepRecord:
    """What a copy leaves; taken from the cache when the same files were copied before, to the same place."""
    origin = origins[instruction.origin] if instruction.origin else None
    with site.opened(origin, f"--from={instruction.origin}") as root, ExitStack() as stack:
        step = _Step(site, instruction, state, () if instruction.link else layers, root, stack)
        return site.ledger.done(place, instruction.text, step.inputs(), step.layer)


class _Step:
    def __init__(
        self,
        site: BuildSite,
        instruction: Copy,
        state: Settings,
        layers: tuple[str, ...],
        root: Root,
        stack: ExitStack,
    ) -> None:
        def value(word: str) -> str:
            return expand(word, state.variables, site.given.escape)

        def body(text: str) -> str:
            return expand_text(text, state.variables, site.given.escape)

        self._site = site
        self._instruction = instruction
        self._layers = layers
        self._root = root
        self._stack = stack
        self._names = tuple(value(source) for source in instruction.sources)
        self._destination = destination(state.config.working_directory, value(instruction.destination))
        self._owner = value(instruction.owner)
        self._written_mode = value(instruction.mode)
        self._mode = parse_mode(self._written_mode)
        self._excluded = tuple(value(pattern) for pattern in instruction.exclude)
        self._addresses = {
            name: Address(name, check_checksum(value(instruction.checksum)) if instruction.checksum else "")
            for name in self._names
            if instruction.is_add and name.startswith(_REMOTE)
        }
        self._written = tuple(
            Written(heredoc.name, (body(heredoc.content) if heredoc.expand else heredoc.content).encode())
            for heredoc in instruction.heredocs
        )
        self._fetched: dict[str, tuple[Known, Path | None]] = {}
        self._sources = self._find()

    def inputs(self) -> StepInputs:
        instruction = self._instruction
        content = {f"<<{file.name}": digest_of(file.content) for file in self._written}
        for name, (known, _) in self._fetched.items():
            content[name] = f"{known.digest} {known.name} {known.modified}"
        for name, sources in self._sources.items():
            files = {path: digest for source in sources for path, digest in digests(source, self._before).items()}
            content |= files
            if not instruction.origin:
                self._site.notes.take(name, sources, files)
        flags = {
            "link": instruction.link,
            "parents": instruction.parents,
            "unpack": bool(instruction.unpack),
            "no-unpack": instruction.unpack is False,
        }
        return StepInputs(
            kind="copy",
            command=(
                "ADD" if instruction.is_add else "COPY",
                self._owner,
                self._written_mode,
                *(f"--{name}" for name, given in flags.items() if given),
                *(f"--exclude={pattern}" for pattern in self._excluded),
                *self._names,
                self._destination,
            ),
            layers=self._layers,
            content=content,
            epoch=self._site.request.epoch,
        )

    def layer(self) -> str:
        """Copies the files."""
        instruction, workshop = self._instruction, self._site.workshop
        local = [source for sources in self._sources.values() for source in sources]
        remote = [source for address in self._addresses.values() for source in self._remote(address)]
        manner = Manner(mode=self._mode, parents=instruction.parents)
        unpacks = instruction.unpack is not False and instruction.is_add
        with workshop.changing(self._layers) as (view, upper):
            manner = manner._replace(owner=copying.find_owner(view, self._owner))
            several = len(local) + len(remote) + len(self._written) > 1
            target = f"{self._destination}/" if several and not self._destination.endswith("/") else self._destination
            copying.copy(view, target, tuple(local), self._written, manner._replace(unpack=unpacks))
            copying.copy(view, target, tuple(remote), (), manner._replace(unpack=instruction.unpack is True))
        return workshop.layer(upper, 0)

    @property
    def _before(self) -> Callable[[str, os.stat_result], str]:
        """The digest of a file of the build's context that is as it was at the last build, else nothing."""
        before = self._site.notes.before

        def digest(path: str, status: os.stat_result) -> str:
            known = before.get(path)
            same = known is not None and (known.size, known.changed_ns) == (status.st_size, status.st_ctime_ns)
            return known.digest if known is not None and same else ""

        return _nothing if self._instruction.origin else digest

    def _find(self) -> dict[str, tuple[Source, ...]]:
        """The sources by their names; those with addresses are asked for, and fetched where nobody knows them."""
        found: dict[str, tuple[Source, ...]] = {}
        rules = parse_ignore_rules("\n".join(self._excluded), "--exclude") if self._excluded else NO_RULES
        for name in self._names:
            if name in self._addresses:
                known = self._web.ask(self._addresses[name])
                self._fetched[name] = (known, None) if known else self._fetch(self._addresses[name])
            else:
                found[name] = find_sources(self._root, name, rules, parents=self._instruction.parents)
        return found

    @property
    def _web(self) -> "Addresses":
        from engine.dockerfiles.addresses import Addresses  # noqa: PLC0415 - few files come from the web

        return Addresses(self._site.store.cache / "build" / "addresses")

    def _fetch(self, address: Address) -> tuple[Known, Path]:
        directory = self._site.workshop.empty()
        return self._web.fetch(address, directory), directory

    def _remote(self, address: Address) -> tuple[Source, ...]:
        known, directory = self._fetched[address.url]
        if directory is None:
            known, directory = self._fetch(address)
        root = self._stack.enter_context(_opened(directory, address.url))
        return find_sources(root, known.name)


def destination(current: str, written: str) -> str:
    """The absolute path that COPY writes to; a slash at its end is kept, for it means a directory."""
    path = working_directory(current, written)
    is_directory = written.endswith(("/", "/.")) or written == "."
    return f"{path.rstrip('/')}/" if is_directory else path


def _nothing(_path: str, _status: os.stat_result) -> str:
    return ""


@contextmanager
def _opened(directory: Path, title: str) -> Iterator[Root]:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield Root(handle, title, Resolve.BENEATH | Resolve.NO_MAGICLINKS)
    finally:
        os.close(handle)
