"""Builds the same Dockerfiles with Docker's own builder and here, and compares images file by file.

    python tests/interop/builds.py [NAME...]

The peers are those of `shared/peers/up`, looked for beside the checkout; without them, it says so and ends.
"""

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT))

from engine.dockerfiles.build import build  # noqa: E402 -- the checkout is on the path only now
from engine.dockerfiles.requests import BuildRequest  # noqa: E402
from engine.dockerfiles.workshop import Workshop  # noqa: E402
from engine.errors import EngineError  # noqa: E402
from engine.images.model import Image, ImageConfig  # noqa: E402
from engine.images.ociconfig import host_architecture  # noqa: E402
from engine.images.store import ImageStore  # noqa: E402
from engine.layout import Layout  # noqa: E402
from tests.interop.cases import CASES, CONTEXT  # noqa: E402

PEERS = Path(os.environ.get("PEERS", "/tmp/peers"))
TREE = PEERS / "trixie"
INSIDE = Path("/windlass-builds")
OF_DOCKERS = {"etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab", ".dockerenv", "dev", "proc", "sys"}
NAMES = (
    "Cmd",
    "Entrypoint",
    "Env",
    "ExposedPorts",
    "Healthcheck",
    "Labels",
    "OnBuild",
    "Shell",
    "StopSignal",
    "User",
    "Volumes",
    "WorkingDir",
)
Listing = dict[str, str]


def docker(*arguments: str) -> str:
    here = Path(os.environ.get("WINDLASS_PEERS", CHECKOUT.parent / "shared" / "peers"))
    return subprocess.run([here / "in", *arguments], check=True, capture_output=True, text=True).stdout


def base_tar() -> Path:
    return TREE / "bb.tar"


def listed(name: str, kind: str, mode: int, owner: tuple[int, int], content: str) -> tuple[str, str]:
    return name.rstrip("/"), f"{kind} {mode:o} {owner[0]}:{owner[1]} {content}"


def is_dockers(name: str) -> bool:
    return name in OF_DOCKERS or name.startswith(("dev/", "proc/", "sys/"))


def dockers_files(image: str) -> Listing:
    container = docker("docker", "create", image, "x").strip()
    archive = TREE / "export.tar"
    docker("docker", "export", "-o", "/export.tar", container)
    docker("docker", "rm", container)
    found: Listing = {}
    with tarfile.open(archive) as members:
        for member in members:
            name = member.name.rstrip("/")
            if is_dockers(name):
                continue
            content = ""
            if member.issym():
                content = member.linkname
            elif member.islnk():
                content = f"= {member.linkname}"
            elif member.isfile():
                reader = members.extractfile(member)
                content = hashlib.sha256(reader.read() if reader else b"").hexdigest()[:12]
            kind = {b"0": "file", b"1": "file", b"5": "dir", b"2": "link", b"6": "fifo"}.get(member.type, "other")
            key, value = listed(name, kind, member.mode, (member.uid, member.gid), content)
            found[key] = value
    archive.unlink()
    if not any(name.startswith("etc/") for name in found):
        found.pop("etc", None)  # made for its container
    for name, value in found.items():
        if " = " in value:
            found[name] = found[value.rpartition("= ")[2]]
    return found


def own_files(store: ImageStore, image: Image) -> Listing:
    with store.workspace() as aside, Workshop(store, aside).looking_at(image.layers) as view:
        handle = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=view)
        try:
            return dict(walked(handle, ""))
        finally:
            os.close(handle)


def walked(directory: int, prefix: str) -> Iterator[tuple[str, str]]:
    for name in sorted(os.listdir(directory)):
        path = f"{prefix}{name}"
        if is_dockers(path):
            continue
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        owner, mode = (status.st_uid, status.st_gid), stat.S_IMODE(status.st_mode)
        if stat.S_ISDIR(status.st_mode):
            yield listed(path, "dir", mode, owner, "")
            handle = os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=directory)
            try:
                yield from walked(handle, f"{path}/")
            finally:
                os.close(handle)
        elif stat.S_ISLNK(status.st_mode):
            yield listed(path, "link", 0o777, owner, os.readlink(name, dir_fd=directory))
        elif stat.S_ISREG(status.st_mode):
            handle = os.open(name, os.O_RDONLY, dir_fd=directory)
            with os.fdopen(handle, "rb") as file:
                yield listed(path, "file", mode, owner, hashlib.sha256(file.read()).hexdigest()[:12])
        else:
            yield listed(path, "fifo" if stat.S_ISFIFO(status.st_mode) else "other", mode, owner, "")


def dockers_config(image: str) -> dict[str, object]:
    config = json.loads(docker("docker", "image", "inspect", image))[0]["Config"]
    config["Labels"] = {k: v for k, v in (config.get("Labels") or {}).items() if not k.startswith("com.docker.")}
    return same_said(config)


def own_config(store: ImageStore, image: Image) -> dict[str, object]:
    document = json.loads((store.root / "images" / f"{image.id.removeprefix('sha256:')}.json").read_bytes())
    return same_said(document.get("config") or {})


def same_said(config: dict[str, object]) -> dict[str, object]:
    """A configuration without what can be said in two ways: no directory is /, and signals have names."""
    found = {key: config.get(key) or None for key in NAMES}
    if found["WorkingDir"] == "/":
        found["WorkingDir"] = None
    if found["StopSignal"] == "9":
        found["StopSignal"] = "SIGKILL"
    return found


def context_of(name: str, files: dict[str, str], directory: Path) -> Path:
    context = directory / name
    for path, content in {**CONTEXT, **files}.items():
        file = context / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if content.startswith("-> "):
            file.symlink_to(content[3:])
        else:
            file.write_text(content)
    (context / "run.sh").chmod(0o755)
    (context / "private").chmod(0o600)
    shutil.make_archive(str(context / "packed"), "gztar", context, "tree")
    return context


def main() -> int:
    if not (PEERS / "dockerd.pid").exists():
        print("the peers are not there (shared/peers/up): nothing is compared")
        return 0
    wanted = sys.argv[1:] or list(CASES)
    different = 0
    with tempfile.TemporaryDirectory(prefix="wl-builds-", dir="/var/tmp") as temporary:
        roots = Path(temporary)
        layout = Layout(run=roots / "run", data=roots / "data")
        store = ImageStore(layout.images, layout.cache)
        take_base(store)
        shutil.rmtree(TREE / INSIDE.name, ignore_errors=True)
        (TREE / INSIDE.name).mkdir()
        for name in wanted:
            text, files = CASES[name]
            context = context_of(name, {"Dockerfile": text, **files}, roots)
            shutil.copytree(context, TREE / INSIDE.name / name, symlinks=True)
            theirs = built_by_docker(name)
            ours = built_here(context, name, store, layout)
            for line in differences(theirs, ours):
                different += 1
                print(f"{name}: {line}")
            print(f"{name}: compared")
        shutil.rmtree(TREE / INSIDE.name)
    print(f"{different} differences in {len(wanted)} builds")
    return 1 if different else 0


def take_base(store: ImageStore) -> None:
    store.root.mkdir(parents=True, mode=0o700)
    tree = store.root / "base"
    tree.mkdir()
    with tarfile.open(base_tar()) as archive:
        archive.extractall(tree, filter="fully_trusted")
    layer = store.add_layer(tree)
    image = store.add_image(
        ImageConfig(), (layer,), created_ns=0, architecture=host_architecture(os.uname().machine)
    )
    store.tag("localhost/bb:1", image)


Built = tuple[Listing, dict[str, object]] | str


def built_by_docker(name: str) -> Built:
    (TREE / INSIDE.name / name / "compose.yaml").write_text(f"services: {{x: {{build: ., image: wl-{name}}}}}\n")
    try:
        docker("docker", "compose", "--project-directory", str(INSIDE / name), "build", "-q")
    except subprocess.CalledProcessError as error:
        return f"fails: {error.stderr.strip().splitlines()[-1]}"
    (TREE / INSIDE.name / name / "compose.yaml").unlink()
    found = dockers_files(f"wl-{name}"), dockers_config(f"wl-{name}")
    docker("docker", "rmi", "-f", f"wl-{name}")
    return found


def built_here(context: Path, name: str, store: ImageStore, layout: Layout) -> Built:
    def pull(_store: ImageStore, image: str, _on_line: object) -> Image:
        raise EngineError(f"{image} is not here")

    try:
        image = build(
            BuildRequest(context, f"wl-{name}"), store=store, layout=layout, pull=pull, on_progress=lambda _line: None
        )
    except EngineError as error:
        return f"fails: {error.message.splitlines()[0]}"
    return own_files(store, image), own_config(store, image)


def differences(theirs: Built, ours: Built) -> Iterator[str]:
    if isinstance(theirs, str) or isinstance(ours, str):
        if not (isinstance(theirs, str) and isinstance(ours, str)):
            yield f"Docker {theirs if isinstance(theirs, str) else 'builds it'}"
            yield f"here it {ours if isinstance(ours, str) else 'is built'}"
        return
    for of, wanted, found in (("file", theirs[0], ours[0]), ("config", theirs[1], ours[1])):
        for key in sorted(wanted.keys() | found.keys()):
            if wanted.get(key) != found.get(key):
                yield f"{of} {key}: Docker {wanted.get(key)!r}, here {found.get(key)!r}"


if __name__ == "__main__":
    sys.exit(main())
