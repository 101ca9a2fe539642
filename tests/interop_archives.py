"""Images as files between windlass, skopeo, Docker and Podman, each way, compared digest by digest and file by file.

    python tests/interop_archives.py

skopeo is used where it is installed, the others where `shared/peers/up` has started them beside the checkout; what is
not there is said to be not there. Ends with 1 when anything differs.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CHECKOUT))

from engine.images.store import ImageStore  # noqa: E402 -- the checkout is on the path only now
from tests.busybox import ensure_busybox  # noqa: E402

PEERS = CHECKOUT.parent / "shared" / "peers"
PEERS_ROOT = Path(os.environ.get("PEERS", "/tmp/peers")) / "trixie"
NAME = "localhost/wl-interop:1"
BACK = "localhost/wl-interop-back:1"
COMPOSE = "services: {box: {image: 'NAME', command: [sleep, '1000'], stop_signal: SIGKILL}}\n"
# Owners, modes, times, links of all kinds, deleted and hidden files, a fifo, odd names, holes.
SCRIPT = """\
set -e
mkdir -p /srv/deep/er /gone/sub && echo one > /srv/one && chown 5:6 /srv/one && ln /srv/one /srv/uno
cp /bin/busybox /srv/tool && chmod 6755 /srv/tool && ln -s ../one /srv/deep/link && mkfifo /srv/fifo
mkdir -m 1777 /srv/sticky && touch -d '2001-02-03 04:05:06' /srv/old
echo x > '/srv/two words' && echo y > /srv/umläut
echo z > /srv/$(printf 'n%.0s' $(seq 200)) && dd if=/dev/zero of=/srv/sparse bs=1 count=1 seek=1000000 2>/dev/null
chown -h 7:8 /srv/deep/link && echo gone > /gone/file
"""
SECOND = "rm -r /gone /etc/group; rm /srv/deep/link; mkdir -p /srv/deep/er; echo two > /srv/one; chmod 700 /srv/deep\n"
NOT_FILES = (
    "dev",
    "proc",
    "sys",
    "etc/hosts",
    "etc/hostname",
    "etc/resolv.conf",
    "etc/mtab",
    ".dockerenv",
    "run",
)
Listing = dict[str, tuple[Any, ...]]


class Windlass:
    """The program with an installation of its own."""

    def __init__(self, base: Path) -> None:
        self.directory = base / "project"
        self.directory.mkdir()
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(CHECKOUT),
            "WINDLASS_RUN_ROOT": str(base / "run"),
            "WINDLASS_DATA_ROOT": str(base / "data"),
        }
        ensure_busybox(ImageStore(base / "data" / "images", base / "data" / "cache"))

    def __call__(self, *words: str) -> str:
        argv = (sys.executable, "-m", "compose.cli", "-p", "wlinterop", *words)
        return run(*argv, cwd=self.directory, env=self._environment)

    def build(self) -> None:
        """The image that goes out."""
        dockerfile = f"FROM localhost/bb:1\nRUN <<X\n{SCRIPT}X\nRUN <<X\n{SECOND}X\nENV GREETING=hello\nUSER 5:6\n"
        (self.directory / "Dockerfile").write_text(dockerfile)
        (self.directory / "compose.yaml").write_text(f"services: {{box: {{build: ., image: '{NAME}'}}}}\n")
        self("build")

    def files(self, name: str, target: Path) -> Listing:
        """What a container of an image sees."""
        (self.directory / "compose.yaml").write_text(COMPOSE.replace("NAME", name))
        self("create")
        self("export", "box", "-o", str(target))
        self("down", "-t", "0")
        return listing(target)


def run(*argv: str, **options: Any) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise SystemExit(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def peer(*words: str) -> str:
    return run(str(PEERS / "in"), *words)


def listing(path: Path) -> Listing:
    """Every file of an archive as far as it is the image's: what it is, whose, of when, with which content."""
    found: Listing = {}
    with tarfile.open(path) as archive:
        firsts: dict[str, str] = {}
        for member in archive:
            name = member.name.removeprefix("./").rstrip("/")
            if not name or name.split("/")[0] in NOT_FILES or name in NOT_FILES:
                continue
            content = archive.extractfile(member) if member.isreg() else None
            digest = hashlib.sha256(content.read()).hexdigest() if content else ""
            linked = firsts.get(member.linkname.removeprefix("./"), member.linkname) if member.islnk() else ""
            kind = "file" if member.isreg() or member.islnk() else member.type.decode()
            # A file under two names is written under one of them, whichever comes first.
            if member.islnk():
                found[name] = found[linked.removeprefix("./")]
            else:
                mtime = 0 if member.isdir() else int(member.mtime)
                link = member.linkname if member.issym() else ""
                found[name] = (kind, member.mode & 0o7777, member.uid, member.gid, mtime, digest, link)
            firsts.setdefault(name, name)
    return found


def content_of(path: Path) -> tuple[str, list[str]]:
    """The configuration's digest and the diff ids of the one image in a docker-archive."""
    with tarfile.open(path) as archive:
        manifest = json.load(_file(archive, "manifest.json"))
        config = _file(archive, manifest[0]["Config"]).read()
    return hashlib.sha256(config).hexdigest(), json.loads(config)["rootfs"]["diff_ids"]


def _file(archive: tarfile.TarFile, name: str) -> Any:
    found = archive.extractfile(name)
    if found is None:
        raise SystemExit(f"the archive has no {name}")
    return found


class Report:
    """What agrees and what does not."""

    def __init__(self) -> None:
        self.failed = False

    def same(self, what: str, ours: Any, theirs: Any) -> None:
        if ours == theirs:
            print(f"same    {what}")
            return
        self.failed = True
        print(f"DIFFERS {what}")
        if isinstance(ours, dict) and isinstance(theirs, dict):
            for name in sorted(ours.keys() | theirs.keys()):
                if ours.get(name) != theirs.get(name):
                    print(f"        {name}: {ours.get(name)} / {theirs.get(name)}")
        else:
            print(f"        {ours} / {theirs}")


def with_skopeo(windlass: Windlass, base: Path, report: Report) -> None:
    """Through skopeo's forms and back."""
    ours = base / "ours.tar"
    expected = content_of(ours)
    for kind in ("docker-archive", "oci-archive"):
        source = base / f"ours-{kind}.tar"
        windlass("save", NAME, "--format", kind, "-o", str(source))
        for other in ("docker-archive", "oci-archive"):
            target = base / f"skopeo-{kind}-{other}.tar"
            run("skopeo", "copy", "-q", f"{kind}:{source}", f"{other}:{target}:{BACK}")
            windlass("load", "-q", "-i", str(target))
            windlass("save", BACK, "-o", str(base / "back.tar"))
            report.same(
                f"layers: {kind} of windlass, skopeo to {other}, windlass",
                expected[1],
                content_of(base / "back.tar")[1],
            )
            windlass("rmi", BACK)


def with_engine(engine: str, windlass: Windlass, base: Path, report: Report) -> None:
    """Out to Docker or Podman and back, and an image of theirs to us."""
    shared = PEERS_ROOT / "tmp" / "wl-interop"
    shared.mkdir(parents=True, exist_ok=True)
    inside = Path("/tmp/wl-interop")
    try:
        for kind in ("docker-archive", "oci-archive") if engine == "podman" else ("docker-archive",):
            windlass("save", NAME, "--format", kind, "-o", str(shared / "ours.tar"))
            peer(engine, "load", "-q", "-i", str(inside / "ours.tar"))
            peer(engine, "save", "-o", str(inside / "back.tar"), NAME)
            report.same(
                f"image: {kind} of windlass in {engine}", content_of(base / "ours.tar"), content_of(shared / "back.tar")
            )
            (shared / "back.tar").unlink()
            said = peer(
                engine, "run", "--rm", "--network=none", NAME, "sh", "-c", "cat /srv/one; echo $GREETING; id -u"
            )
            report.same(f"run: image of windlass in {engine}", "two\nhello\n5\n", said)
            container = peer(engine, "create", NAME, "true").strip()
            peer(engine, "export", "-o", str(inside / "files.tar"), container)
            peer(engine, "rm", container)
            report.same(
                f"files: image of windlass in {engine}",
                windlass.files(NAME, base / "ours-files.tar"),
                listing(shared / "files.tar"),
            )
            peer(engine, "rmi", NAME)
        theirs(engine, windlass, base, report, shared, inside)
    finally:
        shutil.rmtree(shared)


def theirs(engine: str, windlass: Windlass, base: Path, report: Report, shared: Path, inside: Path) -> None:
    """An image that the engine makes of its own busybox, in each of its forms."""
    container = peer(engine, "create", "localhost/bb:1", "sh", "-c", SCRIPT).strip()
    peer(engine, "start", "-a", container)
    form = ("-f", "docker") if engine == "podman" else ()  # OCI's has no room for a message, says Podman
    peer(engine, "commit", *form, "-a", "Ada", "-m", "first", container, "localhost/wl-interop-first")
    second = peer(engine, "create", "localhost/wl-interop-first", "sh", "-c", SECOND).strip()
    peer(engine, "start", "-a", second)
    peer(engine, "commit", *form, "-a", "Ada", "-m", "second", second, BACK)
    peer(engine, "export", "-o", str(inside / "files.tar"), second)
    for kind in ("docker-archive", "oci-archive") if engine == "podman" else ("",):
        form = ("--format", kind) if kind else ()
        peer(engine, "save", *form, "-o", str(inside / "theirs.tar"), BACK)
        windlass("load", "-q", "-i", str(shared / "theirs.tar"))
        if kind != "oci-archive":
            windlass("save", BACK, "-o", str(base / "back.tar"))
            report.same(
                f"image: {kind or 'archive'} of {engine} in windlass",
                content_of(shared / "theirs.tar"),
                content_of(base / "back.tar"),
            )
        found = windlass.files(BACK, base / "their-files.tar")
        report.same(f"files: {kind or 'archive'} of {engine} in windlass", found, listing(shared / "files.tar"))
        if engine == "docker":  # Podman keeps messages elsewhere
            steps = windlass("history", BACK, "--format", "{{.Comment}}").splitlines()
            report.same("history: archive of docker in windlass", "second", steps[0])
        windlass("rmi", BACK)
        (shared / "theirs.tar").unlink()
    peer(engine, "rm", container, second)
    peer(engine, "rmi", BACK, "localhost/wl-interop-first")


def engines() -> Iterator[str]:
    for engine in ("docker", "podman"):
        done = (
            subprocess.run([PEERS / "in", engine, "version"], capture_output=True, check=False)
            if PEERS.is_dir()
            else None
        )
        if done is not None and done.returncode == 0:
            yield engine
        else:
            print(f"MISSING {engine}: ../shared/peers/up starts it")


def main() -> int:
    base = Path(tempfile.mkdtemp(prefix="wl-interop-"))
    report = Report()
    try:
        windlass = Windlass(base)
        windlass.build()
        windlass("save", NAME, "-o", str(base / "ours.tar"))
        if shutil.which("skopeo"):
            with_skopeo(windlass, base, report)
        else:
            print("MISSING skopeo: not installed")
        for engine in engines():
            with_engine(engine, windlass, base, report)
    finally:
        shutil.rmtree(base)
    return 1 if report.failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
