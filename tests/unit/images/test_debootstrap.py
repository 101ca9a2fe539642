import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import EngineError, ImageError
from engine.images.aptsources import Source
from engine.images.debootstrap import Host, ensure_debootstrap
from engine.images.store import ImageStore

MIRROR = Source("http://mirror.test/debian", "bookworm", ("main",), "/keys/debian.gpg")
DIRECTORIES = (
    "dev",
    "etc/apt/apt.conf.d",
    "etc/dpkg/dpkg.cfg.d",
    "run",
    "tmp",
    "usr/sbin",
    "var/cache/apt/archives",
    "var/cache/debconf",
    "var/cache/ldconfig",
    "var/lib/apt/lists",
    "var/lib/dpkg",
    "var/log/apt",
    "var/tmp",
)


class FakeHost:
    """A host with some tools, whose bootstrap makes a few files."""

    def __init__(self, *tools: str, failure: BaseException | None = None) -> None:
        self.tools = tools
        self.failure = failure
        self.commands: list[tuple[str, ...]] = []
        self.begun = threading.Event()
        self.may_end = threading.Event()
        self.may_end.set()

    @property
    def host(self) -> Host:
        return Host(self.find, self.run, lambda: (MIRROR,))

    def find(self, program: str) -> str:
        if program not in self.tools:
            raise EngineError(f"the program {program} is missing on this host")
        return f"/usr/bin/{program}"

    def run(self, argv: tuple[str, ...], on_line: Callable[[str], None]) -> bytes:
        self.commands.append(argv)
        tree = Path(next(word for word in argv if word.endswith("/tree")))
        for name in DIRECTORIES:
            (tree / name).mkdir(parents=True)
        (tree / "var" / "log" / "apt" / "history.log").write_text("today")
        (tree / "var" / "cache" / "apt" / "archives" / "a.deb").write_text("package")
        (tree / "etc" / "machine-id").write_text("0123")
        (tree / "etc" / "shadow").write_text(f"root:*:{time.time() // 86400:.0f}:0:::::\nold:*:100:0:::::\n")
        (tree / "etc" / "shadow").chmod(0o640)
        (tree / "usr" / "packaged").touch()
        os.utime(tree / "usr" / "packaged", (86400 * 1000, 86400 * 1000))
        (tree / "etc" / "resolv.conf").symlink_to("/etc/passwd")
        on_line("I: extracting archives...")
        on_line("I: success in 1 seconds")
        self.begun.set()
        self.may_end.wait()
        if self.failure:
            raise self.failure
        return b""


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "images", tmp_path / "cache")


def test_an_image_is_made_once_and_found_afterwards(store: ImageStore) -> None:
    fake = FakeHost("mmdebstrap")
    lines: list[str] = []

    image = ensure_debootstrap(store, "bookworm", lines.append, fake.host)

    assert ensure_debootstrap(store, "bookworm", lines.append, fake.host) == image
    assert store.find("debootstrap:bookworm") == image
    assert image.config.command == ("bash",)
    assert len(fake.commands) == 1
    assert lines == [
        "making debootstrap:bookworm from signed packages with mmdebstrap",
        "extracting archives",
        "tidying",
        "storing",
    ]


def test_the_hosts_own_mirror_is_used_with_its_keys(store: ImageStore) -> None:
    fake = FakeHost("mmdebstrap")
    ensure_debootstrap(store, "bookworm", lambda _: None, fake.host)

    (argv,) = fake.commands
    assert argv[:3] == ("setpriv", "--pdeathsig", "KILL")
    assert argv[argv.index("/usr/bin/mmdebstrap") + 1 :][:4] == (
        "--mode=root",
        "--variant=minbase",
        "--format=directory",
        "bookworm",
    )
    assert argv[-1] == "deb [signed-by=/keys/debian.gpg] http://mirror.test/debian bookworm main"


def test_a_release_that_the_host_does_not_know_comes_from_the_tools_own_mirror(store: ImageStore) -> None:
    fake = FakeHost("mmdebstrap")
    ensure_debootstrap(store, "trixie", lambda _: None, fake.host)

    assert fake.commands[0][-1].endswith("/tree")


def test_debootstrap_does_where_mmdebstrap_is_missing(store: ImageStore) -> None:
    fake = FakeHost("debootstrap")
    ensure_debootstrap(store, "bookworm", lambda _: None, fake.host)

    (argv,) = fake.commands
    assert argv[argv.index("/usr/bin/debootstrap") + 1 :][:3] == (
        "--variant=minbase",
        "--keyring=/keys/debian.gpg",
        "bookworm",
    )
    assert argv[-1] == "http://mirror.test/debian"


def test_what_is_of_one_moment_is_not_part_of_the_image(store: ImageStore) -> None:
    image = ensure_debootstrap(store, "bookworm", lambda _: None, FakeHost("mmdebstrap").host)

    (tree,) = store.layer_directories(image)
    assert (tree / "etc" / "machine-id").read_text() == ""
    assert (tree / "etc" / "shadow").read_text() == "root:*:1000:0:::::\nold:*:100:0:::::\n"
    assert (tree / "etc" / "shadow").stat().st_mode & 0o777 == 0o640
    assert (tree / "etc" / "shadow").stat().st_mtime == 86400 * 1000
    assert image.created_ns == 86400 * 1000 * 1_000_000_000
    assert (tree / "etc" / "resolv.conf").read_text() == ""
    assert not (tree / "etc" / "resolv.conf").is_symlink()
    assert (tree / "etc" / "apt" / "sources.list").read_text() == MIRROR.line + "\n"
    assert list((tree / "var" / "log" / "apt").iterdir()) == []
    assert list((tree / "var" / "cache" / "apt" / "archives").iterdir()) == []
    assert (tree / "usr" / "sbin" / "policy-rc.d").read_text() == "#!/bin/sh\nexit 101\n"
    assert (tree / "usr" / "sbin" / "policy-rc.d").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ("E: The repository 'http://x y Release' does not have a Release file.", "no mirror has a release of"),
        ("Temporary failure resolving 'mirror.test'", "the package mirror cannot be reached"),
        ("GPG error: NO_PUBKEY 0123", "the release's signature cannot be verified"),
        ("cp: No space left on device", "the disk is full"),
        ("something else", "something else"),
    ],
)
def test_a_failure_says_what_to_do(store: ImageStore, words: str, cause: str) -> None:
    fake = FakeHost("mmdebstrap", failure=EngineError(f"mmdebstrap ended with status 1: {words}"))

    with pytest.raises(ImageError) as caught:
        ensure_debootstrap(store, "bookworm", lambda _: None, fake.host)

    assert cause in caught.value.message
    assert caught.value.hint


def test_without_a_tool_the_package_is_named(store: ImageStore) -> None:
    with pytest.raises(ImageError) as caught:
        ensure_debootstrap(store, "bookworm", lambda _: None, FakeHost().host)

    assert caught.value.hint == "install the package mmdebstrap"


@pytest.mark.parametrize("suite", ["Bookworm", "a/b", "--help", ""])
def test_what_is_no_release_is_refused_before_anything_is_done(store: ImageStore, suite: str) -> None:
    with pytest.raises(ImageError, match="is no release's name"):
        ensure_debootstrap(store, suite, lambda _: None, FakeHost().host)


def test_an_interrupted_bootstrap_leaves_nothing(store: ImageStore) -> None:
    fake = FakeHost("mmdebstrap", failure=KeyboardInterrupt())

    with pytest.raises(KeyboardInterrupt):
        ensure_debootstrap(store, "bookworm", lambda _: None, fake.host)

    assert store.list() == ()
    assert [path.name for path in (store.root / "tmp").iterdir()] == [".lock"]


def test_two_at_once_do_the_work_once(store: ImageStore) -> None:
    fake = FakeHost("mmdebstrap")
    fake.may_end.clear()
    lines: list[str] = []

    def second_waits(line: str) -> None:
        lines.append(line)
        fake.may_end.set()

    first = threading.Thread(target=ensure_debootstrap, args=(store, "bookworm", lambda _: None, fake.host))
    first.start()
    fake.begun.wait()
    image = ensure_debootstrap(store, "bookworm", second_waits, fake.host)
    first.join()

    assert lines == ["waiting: another process is making this image"]
    assert len(fake.commands) == 1
    assert store.find("debootstrap:bookworm") == image


def test_options_choose_packages_components_variant_and_mirror(store: ImageStore) -> None:
    fake = FakeHost("mmdebstrap")
    wanted = "bookworm?packages=git,curl&variant=buildd&components=main,contrib"
    image = ensure_debootstrap(store, wanted, lambda _: None, fake.host)

    argv = fake.commands[0]
    assert argv[argv.index("--mode=root") + 1 : -2] == (
        "--variant=buildd",
        "--format=directory",
        "--include=curl,git",
        "--components=main,contrib",
        "bookworm",
    )
    assert argv[-1] == "deb [signed-by=/keys/debian.gpg] http://mirror.test/debian bookworm main contrib"
    same = "debootstrap:bookworm?components=main,contrib&packages=curl,git&variant=buildd"
    assert store.find(same) == image
    assert [name for name, _ in store.list()] == [same]
    ensure_debootstrap(store, "bookworm?mirror=http://other.test/debian", lambda _: None, fake.host)
    assert fake.commands[1][-2:] == (fake.commands[1][-2], "http://other.test/debian")


def test_a_refresh_makes_it_again(store: ImageStore) -> None:
    fake = FakeHost("mmdebstrap")
    ensure_debootstrap(store, "bookworm", lambda _: None, fake.host)
    again = ensure_debootstrap(store, "bookworm", lambda _: None, fake.host, refresh=True)

    assert len(fake.commands) == 2
    assert store.find("debootstrap:bookworm") == again


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("bookworm?size=1", "debootstrap:bookworm has no option 'size=1'"),
        ("bookworm?variant=huge", "debootstrap:bookworm: there is no variant 'huge'"),
        ("bookworm?packages=a b", "debootstrap:bookworm: 'a b' is no package's name"),
        ("bookworm?packages=--option", "debootstrap:bookworm: '--option' is no package's name"),
        ("bookworm?components=Main", "debootstrap:bookworm: 'Main' is no component's name"),
        ("bookworm?mirror=ftp://x", "debootstrap:bookworm: 'ftp://x' is no mirror's address"),
    ],
)
def test_options_that_make_no_sense_are_refused(store: ImageStore, wanted: str, message: str) -> None:
    with pytest.raises(ImageError, match=re.escape(message)):
        ensure_debootstrap(store, wanted, lambda _: None, FakeHost("mmdebstrap").host)
    with pytest.raises(ImageError):
        store.find(f"debootstrap:{wanted}")
