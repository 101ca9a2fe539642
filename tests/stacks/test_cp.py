"""`cp`: files into containers and out of them, whatever the containers do meanwhile."""

import hashlib
import io
import os
import stat
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

from tests.stacks.product import Windlass

FILE = """
services:
  web:
    image: localhost/bb:1
    command: [sleep, '1000']
    stop_signal: SIGKILL
    volumes: [data:/data]
    tmpfs: /fast
volumes: {data: {}}
"""
LARGE_BYTES = 1 << 30


def sh(boat: Windlass, script: str) -> str:
    return boat("exec", "-T", "web", "sh", "-c", script).stdout


def test_files_and_directories_go_where_docker_puts_them(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    tree = boat.directory / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "sub" / "note").write_text("hello")
    (boat.directory / "one").write_text("1")
    sh(boat, "mkdir /there; echo old > /there/old")

    boat("cp", "one", "web:/renamed")  # nothing there: that name
    boat("cp", "one", "web:/there")  # a directory: into it
    boat("cp", "tree", "web:/new")  # nothing there: a directory of that name
    boat("cp", "tree", "web:/there/")  # a directory: into it, under its own name
    boat("cp", "tree/.", "web:/there")  # what is in it
    boat("cp", "one", "web:/data/one")
    boat("cp", "one", "web:fast/one")
    assert sh(
        boat, "cat /renamed /there/one /new/sub/note /there/tree/sub/note /there/sub/note /data/one /fast/one"
    ) == ("11hellohellohello11")
    assert sh(boat, "ls /there") == "old\none\nsub\ntree\n"

    boat("cp", "web:/there/tree/sub/note", "copied")
    boat("cp", "web:/there/tree", "out")
    boat("cp", "web:/there/tree", "tree")
    boat("cp", "web:/there/.", "out")
    assert (boat.directory / "copied").read_text() == "hello"
    assert (boat.directory / "out" / "sub" / "note").read_text() == "hello"
    assert (boat.directory / "tree" / "tree" / "sub" / "note").read_text() == "hello"
    assert (boat.directory / "out" / "old").read_text() == "old\n"


def test_what_cannot_be_copied_is_said_and_nothing_is_half_done(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    (boat.directory / "one").write_text("1")
    (boat.directory / "tree").mkdir()
    sh(boat, "echo x > /file")
    said = {
        ("web:/none", "x"): "there is no /none",
        ("none", "web:/x"): "there is no none",
        ("one", "web:/none/x"): "cannot copy to /none/x: the directory that it is to be in does not exist",
        ("one", "web:/none/"): "cannot copy to /none/: there is no such directory",
        ("tree", "web:/file"): "cannot copy a directory to /file, which is a file",
        ("web:/file", "none/"): "cannot copy to none/: there is no such directory",
        ("web:/file", "web:/x"): "cp copies between a container and this machine, not between two containers",
        ("one", "tree"): "cp copies between a container and this machine, not between two places of this machine",
        ("one", "web:/proc/x"): "cannot write /proc/x",
        ("none:/x", "x"): "no such service: none",
    }
    for (source, destination), message in said.items():
        assert message in boat("cp", source, destination, status=1).stderr, (source, destination)
    assert sorted(os.listdir(boat.directory)) == ["compose.yaml", "one", "tree"]


def test_owners_modes_times_links_and_attributes_stay_with_archive(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    tree = boat.directory / "tree"
    tree.mkdir()
    file = tree / "file"
    file.write_text("x")
    os.link(file, tree / "second")
    (tree / "link").symlink_to("file")
    os.mkfifo(tree / "fifo")
    os.chown(file, 12, 34)
    file.chmod(0o4751)
    os.setxattr(file, "user.note", b"kept")
    os.utime(file, ns=(0, 1_234_567_890_123_456_789))

    boat("cp", "-a", "tree", "web:/kept")
    boat("cp", "tree", "web:/plain")
    assert sh(boat, "stat -c '%u %g %a %h %Y' /kept/file; readlink /kept/link; test -p /kept/fifo; echo $?") == (
        "12 34 4751 2 1234567890\nfile\n0\n"
    )
    assert sh(boat, "stat -c '%u %g %a %Y' /plain/file") == "0 0 751 1234567890\n"

    boat("cp", "-a", "web:/kept", "back")
    back = boat.directory / "back"
    found = (back / "file").stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode), found.st_nlink) == (12, 34, 0o4751, 2)
    assert found.st_mtime_ns == 1_234_567_890_123_456_789
    assert os.getxattr(back / "file", "user.note") == b"kept"
    assert (back / "link").readlink() == Path("file")
    boat("cp", "web:/kept", "mine")
    found = (boat.directory / "mine" / "file").stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (0, 0, 0o751), (
        "a container's setuid bit stays there"
    )


def test_links_are_copied_and_followed_where_asked(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    sh(
        boat,
        "mkdir /real; echo in > /real/file; ln -s /real /way; ln -s file /real/short; ln -s /etc/none /real/dangling",
    )
    boat("cp", "web:/way", "as-link")
    assert (boat.directory / "as-link").readlink() == Path("/real")
    boat("cp", "-L", "web:/way", "followed")
    assert (boat.directory / "followed" / "file").read_text() == "in\n"
    (boat.directory / "one").write_text("1")
    boat("cp", "one", "web:/way")  # a link at the destination is followed, inside
    boat("cp", "one", "web:/real/short")
    assert sh(boat, "cat /real/one /real/file; readlink /real/short") == "11file\n"


def test_archives_come_by_standard_input_and_go_by_standard_output(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    sh(boat, "mkdir -p /there/sub; echo x > /there/sub/file")
    done = subprocess.run(
        boat.argv("cp", "web:/there", "-"), cwd=boat.directory, env=boat.environment, capture_output=True, check=True
    )
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        assert archive.getnames() == ["there", "there/sub", "there/sub/file"]
    subprocess.run(
        boat.argv("cp", "-", "web:/data"), cwd=boat.directory, env=boat.environment, input=done.stdout, check=True
    )
    assert sh(boat, "cat /data/there/sub/file") == "x\n"
    hostile = io.BytesIO()
    with tarfile.open(fileobj=hostile, mode="w") as archive:
        entry = tarfile.TarInfo("../outside")
        archive.addfile(entry)
    refused = subprocess.run(
        boat.argv("cp", "-", "web:/data"),
        cwd=boat.directory,
        env=boat.environment,
        input=hostile.getvalue(),
        capture_output=True,
        check=False,
    )
    assert refused.returncode == 1
    assert b"leads elsewhere" in refused.stderr
    assert "there is no such" not in boat("cp", "-", "web:/none", text="", status=1).stderr


def test_a_container_that_does_not_run_has_its_files_and_volumes(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("create")
    (boat.directory / "one").write_text("1")
    boat("cp", "one", "web:/first")  # before it was ever started
    boat("cp", "one", "web:/data/second")
    boat("up", "-d")
    assert sh(boat, "cat /first /data/second; echo more > /third; stat -c %u /first") == "110\n"
    boat("stop")
    boat("cp", "web:/third", "third")
    boat("cp", "web:/data/second", "second")
    assert (boat.directory / "third").read_text() == "more\n"
    assert (boat.directory / "second").read_text() == "1"
    assert "there is no /proc/1" in boat("cp", "web:/proc/1", "x", status=1).stderr
    boat("start")
    assert sh(boat, "cat /first") == "1"


def test_all_replicas_get_it_the_first_gives_it(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d", "--scale", "web=3")
    (boat.directory / "one").write_text("1")
    said = boat("cp", "one", "web:/one").stderr
    assert [f"boat-web-{number}:/one" in said for number in (1, 2, 3)] == [True] * 3
    boat("cp", "--index", "2", "compose.yaml", "web:/only")
    for index, there in (("1", False), ("2", True), ("3", False)):
        boat("exec", "-T", "--index", index, "web", "cat", "/one")
        boat("exec", "-T", "--index", index, "web", "test", "-e", "/only", status=0 if there else 1)
    boat("exec", "-T", "--index", "3", "web", "mkdir", "/only")
    failed = boat("cp", "compose.yaml", "web:/only/", status=1)
    assert "boat-web-1: cannot copy to /only/" in failed.stderr
    boat("exec", "-T", "--index", "3", "web", "test", "-e", "/only/compose.yaml")


def test_a_gigabyte_arrives_whole_and_a_hole_stays_one(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    block = os.urandom(1 << 20)
    digest = hashlib.sha256()
    with (boat.directory / "large").open("wb") as file:
        for number in range(LARGE_BYTES >> 20):
            piece = number.to_bytes(8, "big") + block[8:]
            file.write(piece)
            digest.update(piece)
    boat("cp", "large", "web:/large")
    (boat.directory / "large").unlink()
    boat("cp", "web:/large", "large")
    with (boat.directory / "large").open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == digest.hexdigest()
    sh(boat, "rm /large; echo begin > /sparse; truncate -s 1024G /sparse")
    boat("cp", "web:/sparse", "sparse")
    found = (boat.directory / "sparse").stat()
    assert (found.st_size, found.st_blocks < 100) == (1 << 40, True)


def test_a_full_disk_leaves_no_part_of_a_file(project: Callable[..., Windlass]) -> None:
    boat = project(FILE.replace("/fast", "/fast:size=1m"))
    boat("up", "-d")
    (boat.directory / "two").write_bytes(bytes(2 << 20) + b"x")
    (boat.directory / "two").write_bytes(os.urandom(2 << 20))
    failed = boat("cp", "two", "web:/fast/two", status=1)
    assert "cannot write /fast/two: No space left on device" in failed.stderr
    assert sh(boat, "ls -A /fast") == ""


def test_links_that_a_container_swaps_lead_nowhere(project: Callable[..., Windlass], tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    canary.mkdir()
    (canary / "file").write_text("the host's")
    boat = project(FILE)
    boat("up", "-d")
    (boat.directory / "one").write_text("1")
    script = f"""
        mkdir -p /a/b /evil; echo inside > /a/b/file; ln -s {canary} /evil/b; ln -s / /evil/top
        (while :; do mv /a /c; mv /evil /a; mv /a /evil; mv /c /a; done) >/dev/null 2>&1 &
    """
    sh(boat, script)
    for number in range(8):
        boat("cp", "web:/a/b/file", f"got-{number}", status=None)
        boat("cp", "one", "web:/a/b/file", status=None)
        boat("cp", "web:/a/.", f"tree-{number}", status=None)
    assert (canary / "file").read_text() == "the host's"
    assert os.listdir(canary) == ["file"]
    for got in boat.directory.glob("got-*"):
        assert got.read_text() in {"inside\n", "1"}
