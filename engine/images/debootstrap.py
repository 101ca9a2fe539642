"""Images made from a distribution's signed packages: `debootstrap:SUITE`."""

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from engine import programs
from engine.errors import EngineError, ImageError
from engine.images.aptsources import Source, read_sources, sources_for
from engine.images.model import HistoryEntry, Image, ImageConfig
from engine.images.ociconfig import host_architecture
from engine.images.store import ImageStore
from engine.images.suites import VARIANTS, Suite, parse_suite
from engine.images.tidying import tidy

_CONFIG = ImageConfig(environment={"PATH": programs.PATH}, command=("bash",))
# The tool, whatever it starts and its mounts end with this process, however it ends.
_TIED = ("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
_SILENT = ("chroot architecture", "finding correct signed-by", "automatically chosen", "success in", "main() received")

_CAUSES = (
    (
        ("does not have a Release file", "404  Not Found", "No such script", "unknown suite"),
        "no mirror has a release of that name",
        "check the name; a release that the host's own apt sources lack is taken from the tool's default mirror",
    ),
    (
        ("Could not resolve", "failure resolving", "Could not connect", "Cannot initiate", "Unable to connect"),
        "the package mirror cannot be reached",
        "check the network and the mirrors in /etc/apt/sources.list*",
    ),
    (
        ("NO_PUBKEY", "is not signed", "no keyring", "signature was invalid"),
        "the release's signature cannot be verified",
        "install the distribution's keyring (debian-archive-keyring or ubuntu-keyring), and gpg, which looks it up",
    ),
    (("No space left on device",), "the disk is full", "free some space where images are kept"),
)


class Host(NamedTuple):
    """What a bootstrap needs of the host: its programs (see engine.programs) and its package mirrors."""

    find: Callable[[str], str] = programs.find
    run: Callable[..., bytes] = programs.run
    sources: Callable[[], tuple[Source, ...]] = read_sources


def ensure_debootstrap(
    store: ImageStore,
    wanted: str,
    on_progress: Callable[[str], None],
    host: Host = Host(),  # noqa: B008 -- it never changes
    *,
    refresh: bool = False,
) -> Image:
    """Returns the image `debootstrap:SUITE`, making it when it is not here. The same work is never done twice at once.

    `wanted` is what follows the colon, see engine.images.suites. With `refresh` it is made of the packages that the
    mirror has now; the same packages give the same image. `on_progress` is given a line for each stage.
    """
    suite = parse_suite(wanted)
    reference = f"debootstrap:{suite.text}"
    before = store.find(reference)
    if before is not None and not refresh:
        return before
    with store.alone(_work(suite), lambda: on_progress("waiting: another process is making this image")):
        found = store.find(reference)
        if found is None or (refresh and found == before):
            with store.in_use():
                found = _bootstrap(store, suite, on_progress, host)
                store.tag(reference, found)
    return found


def _work(suite: Suite) -> str:
    """What tells the making of one image from that of another, as a file's name."""
    options = hashlib.sha256(suite.options.encode()).hexdigest()[:16] if suite.options else ""
    return f"debootstrap-{suite.name}{options}"


def _bootstrap(store: ImageStore, suite: Suite, on_progress: Callable[[str], None], host: Host) -> Image:
    started_ns = time.time_ns()
    with store.workspace() as aside:
        tree = aside / "tree"
        tree.mkdir(mode=0o755)
        sources = () if suite.mirror else sources_for(suite.name, host.sources())
        if suite.components:
            sources = tuple(source._replace(components=suite.components) for source in sources)
        argv = _command(suite, tree, sources, host)
        on_progress(f"making debootstrap:{suite.text} from signed packages with {argv[0]}")
        _run(suite.text, argv, on_progress, host)
        on_progress("tidying")
        handle = os.open(tree, os.O_RDONLY | os.O_DIRECTORY)
        try:
            created_ns = tidy(handle, started_ns, "".join(f"{source.line}\n" for source in sources))
        finally:
            os.close(handle)
        on_progress("storing")
        diff_id = store.add_layer(tree)
    return store.add_image(
        _CONFIG,
        (diff_id,),
        created_ns=created_ns,
        architecture=host_architecture(os.uname().machine),
        history=(HistoryEntry(created_by=f"debootstrap:{suite.text}", created_ns=created_ns),),
    )


def _command(suite: Suite, tree: Path, sources: tuple[Source, ...], host: Host) -> tuple[str, ...]:
    try:
        host.find("mmdebstrap")
    except EngineError:
        return _debootstrap_command(suite, tree, sources, host)
    options = (f"--variant={suite.variant or VARIANTS[0]}", "--format=directory", *_lists(suite))
    mirrors = (suite.mirror,) if suite.mirror else tuple(source.line for source in sources)
    return ("mmdebstrap", "--mode=root", *options, suite.name, str(tree), *mirrors)


def _debootstrap_command(suite: Suite, tree: Path, sources: tuple[Source, ...], host: Host) -> tuple[str, ...]:
    try:
        host.find("debootstrap")
    except EngineError:
        raise ImageError(
            f"cannot make debootstrap:{suite.text}: neither mmdebstrap nor debootstrap is on this host",
            hint="install the package mmdebstrap",
        ) from None
    if suite.variant not in {"", "buildd"}:
        raise ImageError(
            f"cannot make debootstrap:{suite.text}: debootstrap has no variant {suite.variant}",
            hint="install the package mmdebstrap, which has",
        )
    mirror = next((source for source in sources if source.suite == suite.name), None)
    keyring = (f"--keyring={mirror.signed_by}",) if mirror and mirror.signed_by else ()
    options = (f"--variant={suite.variant or VARIANTS[0]}", *keyring, *_lists(suite))
    address = suite.mirror or (mirror.uri if mirror else "")
    return ("debootstrap", *options, suite.name, str(tree), *((address,) if address else ()))


def _lists(suite: Suite) -> tuple[str, ...]:
    """What both tools call by the same names."""
    lists = (("--include", suite.packages), ("--components", suite.components))
    return tuple(f"{option}={','.join(words)}" for option, words in lists if words)


def _run(suite: str, argv: tuple[str, ...], on_progress: Callable[[str], None], host: Host) -> None:
    def tell(line: str) -> None:
        stage = line.removeprefix("I: ")
        if stage != line and not stage.startswith(_SILENT):
            on_progress(stage.rstrip("."))

    try:
        host.run((*_TIED, host.find(argv[0]), *argv[1:]), on_line=tell)
    except EngineError as error:
        cause, hint = _explain(error.message)
        raise ImageError(f"cannot make debootstrap:{suite}: {cause or error.message}", hint=hint) from error


def _explain(words: str) -> tuple[str, str]:
    for signs, cause, hint in _CAUSES:
        if any(sign in words for sign in signs):
            return cause, hint
    return "", "the lines above are the tool's own"
