"""Tells whether an image still is what its Dockerfile and the files that it copies would give."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from engine.directories import make_private
from engine.dockerfiles.contexts import opened_context, read_dockerfile
from engine.dockerfiles.problems import Mistake
from engine.dockerfiles.requests import BuildRequest
from engine.dockerfiles.sources import Root, Source, digests, find_sources
from engine.errors import EngineError
from engine.images.durable import write_file

_EPOCH = "SOURCE_DATE_EPOCH"  # the environment's may be another tomorrow
_CLOCK_NS = 1_000_000_000  # within this, two changes may have the same time


class Seen(NamedTuple):
    """A copied file as it was: as long as status and size stay, its digest counts for it."""

    size: int
    changed_ns: int
    digest: str


class BuildInputs(msgspec.Struct, frozen=True, kw_only=True):
    """What an image was built of: `sources` as COPY named them, the files they stood for, arguments, the target."""

    image_id: str
    target: str
    args: dict[str, str]
    dockerfile: str
    sources: tuple[str, ...]
    files: dict[str, Seen]
    read_ns: int = 0


def known_files(cache: Path, tag: str) -> dict[str, Seen]:
    """The files that an image was built of when it was built last, but for those that had just been changed then."""
    try:
        inputs = msgspec.json.decode(_path(cache, tag).read_bytes(), type=BuildInputs)
    except (OSError, msgspec.MsgspecError, UnicodeError):
        return {}
    return {path: file for path, file in inputs.files.items() if file.changed_ns < inputs.read_ns - _CLOCK_NS}


def keep_inputs(cache: Path, tag: str, inputs: BuildInputs) -> None:
    """Remembers what an image was built of."""
    path = _path(cache, tag)
    make_private(path.parent)
    write_file(path, msgspec.json.encode(inputs))


def seen(sources: Iterable[Source], told: Mapping[str, str]) -> dict[str, Seen]:
    """The files that sources stand for, by path; `told` are their digests."""
    return {
        path: Seen(entry.status.st_size, entry.status.st_ctime_ns, told.get(path, ""))
        for source in sources
        for entry in source.entries
        for path in (f"{source.path}/{entry.path}".strip("/") or ".",)
    }


def dockerfile_digest(text: str) -> str:
    """What tells one Dockerfile from another."""
    return hashlib.sha256(text.encode()).hexdigest()


def changes_since_build(cache: Path, image_id: str, request: BuildRequest) -> tuple[str, ...]:
    """What has changed since an image was built: paths of files, the Dockerfile, arguments.

    Empty when nothing has, and when nobody knows: the image is not the one that was built here last.
    """
    try:
        inputs = msgspec.json.decode(_path(cache, request.tag).read_bytes(), type=BuildInputs)
    except (OSError, msgspec.MsgspecError, UnicodeError):
        return ()
    if inputs.image_id != image_id:
        return ()
    try:
        return tuple(_changes(inputs, request))
    except (EngineError, OSError):
        return ()  # a build tells what is wrong


def _changes(inputs: BuildInputs, request: BuildRequest) -> Iterator[str]:
    args = request.args
    text, file = read_dockerfile(request)
    if dockerfile_digest(text) != inputs.dockerfile:
        yield Path(file).name
    if request.target != inputs.target:
        yield "the target"
    for name in sorted((args.keys() | inputs.args.keys()) - {_EPOCH}):
        if args.get(name) != inputs.args.get(name):
            yield f"argument {name}"
    with opened_context(request.context, request.dockerfile) as root:
        yield from sorted(_changed_files(inputs, root))


def _changed_files(inputs: BuildInputs, root: Root) -> set[str]:
    now: dict[str, str] = {}
    for written in inputs.sources:
        try:
            for source in find_sources(root, written):
                now |= _digests(source, inputs.files)
        except Mistake:
            continue  # it is gone, and so are its files
    before = {path: file.digest for path, file in inputs.files.items()}
    return {path for path in now.keys() | before.keys() if now.get(path) != before.get(path)}


def _digests(source: Source, before: Mapping[str, Seen]) -> Mapping[str, str]:
    """The digests of a source's files; they are read only if the status of one has changed."""
    known: dict[str, str] = {}
    for path, file in seen((source,), {}).items():
        if path not in before or file != before[path]._replace(digest=""):
            return digests(source)
        known[path] = before[path].digest
    return known


def _path(cache: Path, tag: str) -> Path:
    return cache / "build" / "inputs" / hashlib.sha256(tag.encode()).hexdigest()
