"""Images through registries: windlass, Docker, Podman and skopeo push what the others pull, compared file by file.

    python tests/interop/registries.py

Owners, modes, times, attributes, links, deleted files. The peers are those of `shared/peers/up`, looked for beside the
checkout, and skopeo if it is installed; who is missing is said. Ends with 1 when anything differs.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT))

from engine.images.store import ImageStore  # noqa: E402 -- the checkout is on the path only now
from tests.busybox import plant_busybox  # noqa: E402
from tests.docker_registry import docker_registry, push  # noqa: E402
from tests.registry import Made, archive, entry, file, made_image  # noqa: E402

PEERS = CHECKOUT.parent / "shared" / "peers"
PEERS_ROOT = Path(os.environ.get("PEERS", "/tmp/peers"))
TREES = Path(__file__).with_name("trees.py")
CAPABILITY = "".join(map(chr, bytes.fromhex("0100000200040000000000000000000000000000")))  # cap_net_bind_service=ep
LIMITS = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")
DOCKERFILE = """\
FROM {base}
RUN mkdir -p /srv/deep/er && echo one > /srv/one && chown 5:6 /srv/one && ln /srv/one /srv/uno && chmod 4755 /srv/one
RUN cp /bin/busybox /srv/tool && chmod 6755 /srv/tool && ln -s ../one /srv/deep/link && mkfifo /srv/fifo
RUN mkdir -m 1777 /srv/sticky && touch -d '2001-02-03 04:05:06' /srv/old && echo y > /srv/umläut
RUN rm -r /odd && mkdir /odd && echo new > /odd/new && rm /srv/deep/link
CMD ["cat", "/srv/one"]
"""


class Program(NamedTuple):
    """Somebody who pulls, pushes, builds and runs; `layers` gives an image's directories, the topmost first."""

    name: str
    pull: Callable[[str], object]
    push: Callable[[str, str], object]
    build: Callable[[str, str], object]
    run: Callable[[str], str]
    layers: Callable[[str], list[str]]


class Report:
    """What was the same, and what was not."""

    def __init__(self) -> None:
        self.failed = False

    def same(self, what: str, one: dict[str, Any], other: dict[str, Any]) -> None:
        wrong = [path for path in sorted({*one, *other}) if one.get(path) != other.get(path)]
        self.failed = self.failed or bool(wrong)
        print(
            f"{'DIFFERENT' if wrong else 'the same '}  {what}: {len(one)} files" + (f", {len(wrong)}" if wrong else "")
        )
        for path in wrong[:10]:
            print(f"    {path}\n      {one.get(path)}\n      {other.get(path)}")

    def says(self, what: str, expected: str, said: str) -> None:
        self.failed = self.failed or said != expected
        print(f"{'the same ' if said == expected else 'DIFFERENT'}  {what} says {said!r}")


def odd_image() -> Made:
    """An image with what images can have, in two layers: the second hides and deletes some of the first."""
    with tempfile.TemporaryDirectory() as directory:
        plant_busybox(Path(directory))
        with tempfile.TemporaryFile() as written:
            with tarfile.open(fileobj=written, mode="w") as tar:
                tar.add(directory, arcname=".")
            written.seek(0)
            base = written.read()

    def member(name: str, content: bytes = b"", **values: Any) -> tuple[tarfile.TarInfo, bytes]:
        info, content = file(name, content)
        for key, value in values.items():
            setattr(info, key, value)
        return info, content

    attributes = {"SCHILY.xattr.user.note": "kept", "SCHILY.xattr.security.capability": CAPABILITY}
    other_name = entry("odd/another", tarfile.LNKTYPE, "odd/owned", mode=0o640)
    other_name.uid, other_name.gid, other_name.mtime = 1234, 4321, 981173106
    odd = archive(
        entry("odd", tarfile.DIRTYPE, mode=0o1777),
        member("odd/owned", b"x", uid=1234, gid=4321, mode=0o640, mtime=981173106),
        member("odd/setuid", b"x", mode=0o6755),
        member("odd/exact", b"x", pax_headers={"mtime": "1500000000.123456789"}),
        member("odd/attributes", b"x", mode=0o755, pax_headers=attributes),
        member("odd/far", b"x", uid=60_000, gid=65_534),
        (other_name, b""),
        entry("odd/link", tarfile.SYMTYPE, "/nowhere"),
        entry("odd/fifo", tarfile.FIFOTYPE),
        member("odd/ümlaut and space", b"x"),
        member("odd/" + "n" * 200, b"x"),
        entry("odd/empty", tarfile.DIRTYPE, mode=0o700),
        entry("hidden", tarfile.DIRTYPE),
        member("hidden/before", b"x"),
        member("deleted", b"x"),
    )
    changes = archive(
        member(".wh.deleted"),
        entry("hidden", tarfile.DIRTYPE),
        member("hidden/.wh..wh..opq"),
        member("hidden/after", b"x"),
        entry("odd", tarfile.DIRTYPE, mode=0o1777),
        member("odd/owned", b"new", uid=1, gid=2),
    )
    return made_image(base, odd, changes, config={"Cmd": ["cat", "/odd/owned"], "Env": ["PATH=/bin"]})


def run(*argv: str | Path, **options: Any) -> str:
    done = subprocess.run(argv, text=True, capture_output=True, check=False, **options)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, argv))} failed:\n{done.stderr or done.stdout}")
    return done.stdout


def tree(layers: list[str]) -> dict[str, Any]:
    """All files of merged layers."""
    found: dict[str, Any] = json.loads(run("unshare", "-m", sys.executable, TREES, *layers))
    return found


def in_seconds(found: dict[str, Any]) -> dict[str, Any]:
    """The times as layers have them: everybody writes archives with whole seconds of what was built."""
    return {path: [*facts[:3], facts[3] // 10**9 * 10**9, *facts[4:]] for path, facts in found.items()}


@contextmanager
def windlass_program() -> Iterator[Program]:
    """The checkout's own program with an installation of its own."""
    base = Path(tempfile.mkdtemp(prefix="wl-registries-"))
    store = ImageStore(base / "data" / "images", base / "data" / "cache")
    environment = {
        **os.environ,
        "PYTHONPATH": str(CHECKOUT),
        "WINDLASS_RUN_ROOT": str(base / "run"),
        "WINDLASS_DATA_ROOT": str(base / "data"),
    }

    def windlass(file: str, *words: str) -> str:
        (base / "compose.yaml").write_text(file)
        argv = (sys.executable, "-m", "compose.cli", "-p", "wlregistries", *words)
        return run(*argv, cwd=base, env=environment)

    def of(name: str) -> str:
        return f"services: {{app: {{image: '{name}', network_mode: none}}}}\n"

    def build(name: str, dockerfile: str) -> None:
        (base / "Dockerfile").write_text(dockerfile)
        windlass(f"services: {{app: {{build: ., image: '{name}'}}}}\n", "build")

    def push_as(name: str, target: str) -> None:
        image = store.find(name)
        assert image is not None
        store.tag(target, image)
        windlass(of(target), "push", target)

    def layers(name: str) -> list[str]:
        image = store.find(name)
        assert image is not None
        return [str(path) for path in reversed(store.layer_directories(image))]

    try:
        yield Program(
            "windlass",
            lambda name: windlass(of(name), "pull"),
            push_as,
            build,
            lambda name: windlass(of(name), "run", "--rm", "-T", "app"),
            layers,
        )
    finally:
        windlass(of("none"), "down", "-v")
        shutil.rmtree(base)


def peer_program(engine: str) -> Program:
    """Docker or Podman, as `shared/peers/up` has started them."""
    plain = () if engine == "docker" else ("--tls-verify=false",)
    # Podman would raise limits, which root may not do on every machine.
    own = ("env", "DOCKER_BUILDKIT=0", "docker", "build")
    build_words = own if engine == "docker" else (engine, "build", *plain, *LIMITS)

    def peer(*words: str, **options: Any) -> str:
        return run(PEERS / "in", *words, **options)

    def build(name: str, dockerfile: str) -> None:
        place = f"/tmp/wl-registries-{engine}"
        peer("mkdir", "-p", place)
        peer("tee", f"{place}/Dockerfile", input=dockerfile)
        peer(*build_words, "--network=none", "-t", name, place)
        peer("rm", "-r", place)

    def push_as(name: str, target: str) -> None:
        peer(engine, "tag", name, target)
        peer(engine, "push", *plain, target)

    def layers(name: str) -> list[str]:
        data = json.loads(peer(engine, "image", "inspect", name))[0]["GraphDriver"]["Data"]
        inside = [data["UpperDir"], *filter(None, data.get("LowerDir", "").split(":"))]
        moved = {"/var/lib/docker": "docker-data", "/var/lib/containers": "podman-data"}
        return [
            str(PEERS_ROOT / moved[prefix]) + path.removeprefix(prefix)
            for path in inside
            for prefix in moved
            if path.startswith(f"{prefix}/")
        ]

    return Program(
        engine,
        lambda name: peer(engine, "pull", *plain, name),
        push_as,
        build,
        lambda name: peer(engine, "run", "--rm", "--network=none", name),
        layers,
    )


def skopeo_program(base: Path) -> Program | None:
    """skopeo, which neither builds nor runs: it copies, in every form of manifest and packing."""
    if not shutil.which("skopeo"):
        return None

    def copy(source: str, target: str, *words: str) -> None:
        run("skopeo", "copy", "--insecure-policy", *words, source, target)

    def push_as(name: str, target: str) -> None:
        forms = {"oci": ("--format", "oci"), "docker": ("--format", "v2s2")}
        forms["zstd"] = ("--format", "oci", "--dest-compress-format", "zstd")
        form = next((words for form, words in forms.items() if target.endswith(form)), ())
        plain = ("--src-tls-verify=false", "--dest-tls-verify=false")
        copy(f"docker://{name}", f"docker://{target}", *plain, *form)

    def pull(name: str) -> None:
        copy(f"docker://{name}", f"dir:{base / 'pulled'}", "--src-tls-verify=false")
        shutil.rmtree(base / "pulled")

    return Program("skopeo", pull, push_as, lambda _name, _file: None, lambda _name: "", lambda _name: [])


def peers() -> Iterator[Program]:
    for engine in ("docker", "podman"):
        argv = [PEERS / "in", engine, "version"]
        if PEERS.is_dir() and subprocess.run(argv, capture_output=True, check=False).returncode == 0:
            yield peer_program(engine)
        else:
            print(f"MISSING {engine}: ../shared/peers/up starts it")


def forget(program: Program, *names: str) -> None:
    """Removes images of a peer, so that the next pull fetches them; windlass has a store for every meeting."""
    if program.name in {"docker", "podman"}:
        subprocess.run([PEERS / "in", program.name, "rmi", "-f", *names], capture_output=True, check=False)


def meet(other: Program, source: str, address: str, report: Report) -> None:
    """Each pulls what the other pushes and builds."""
    with windlass_program() as ours:
        ours.pull(source)
        other.pull(source)
        expected = tree(ours.layers(source))
        report.same(f"pulled by windlass and {other.name}", expected, tree(other.layers(source)))
        report.says(f"run by {other.name}", "new", other.run(source))
        report.says("run by windlass", "new", ours.run(source))
        mine, theirs = f"{address}/by/windlass:{other.name}", f"{address}/by/{other.name}:1"
        ours.push(source, mine)
        other.push(source, theirs)
        forget(other, source, theirs)
        other.pull(mine)
        report.same(f"pushed by windlass, pulled by {other.name}", expected, tree(other.layers(mine)))
        mine, theirs = f"{address}/built/windlass:{other.name}", f"{address}/built/{other.name}:1"
        ours.build(mine, DOCKERFILE.format(base=source))
        ours.push(mine, mine)
        other.build(theirs, DOCKERFILE.format(base=source))
        other.push(theirs, theirs)
        built = in_seconds(tree(other.layers(theirs)))
        other.pull(mine)
        ours_built = in_seconds(tree(ours.layers(mine)))
        report.same(f"built by windlass, pulled by {other.name}", ours_built, in_seconds(tree(other.layers(mine))))
        report.says(f"built by windlass, run by {other.name}", "one\n", other.run(mine))
    with windlass_program() as ours:
        pushed = f"{address}/by/{other.name}:1"
        ours.pull(pushed)
        report.same(f"pushed by {other.name}, pulled by windlass", expected, tree(ours.layers(pushed)))
        ours.pull(theirs)
        report.same(f"built by {other.name}, pulled by windlass", built, in_seconds(tree(ours.layers(theirs))))
        report.says(f"built by {other.name}, run by windlass", "one\n", ours.run(theirs))
    forget(other, source, mine, theirs, f"{address}/by/windlass:{other.name}")


def copied(skopeo: Program, source: str, address: str, report: Report) -> None:
    """What skopeo has copied is pulled, and what windlass has pushed is copied by skopeo."""
    with windlass_program() as ours:
        ours.pull(source)
        expected = tree(ours.layers(source))
        ours.push(source, f"{address}/by/windlass:skopeo")
        skopeo.pull(f"{address}/by/windlass:skopeo")
        print("the same   pushed by windlass, pulled by skopeo: every digest")
    for form in ("oci", "docker", "zstd"):
        name = f"{address}/by/skopeo:{form}"
        skopeo.push(source, name)
        with windlass_program() as ours:
            ours.pull(name)
            report.same(f"pushed by skopeo ({form}), pulled by windlass", expected, tree(ours.layers(name)))


def main() -> int:
    if os.geteuid() != 0:
        raise SystemExit("images need root for now: sudo make interop")
    report = Report()
    with tempfile.TemporaryDirectory(prefix="wl-registries-") as base, docker_registry() as address:
        source = push(address, "odd/image:1", odd_image())
        skopeo = skopeo_program(Path(base))
        if skopeo:
            copied(skopeo, source, address, report)
        else:
            print("MISSING skopeo: not installed")
        for other in peers():
            meet(other, source, address, report)
    return 1 if report.failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
