"""Dockerfiles, built by real containers."""

import os
import signal
import stat
import sys
import tarfile
from pathlib import Path

import pytest

from engine.dockerfiles.runs import sweep
from engine.errors import BuildError
from engine.layout import Layout
from tests.kernel.images.conftest import Builder


def test_commands_run_with_the_variables_that_docker_would_give_them(builder: Builder) -> None:
    image = builder.build(
        """\
        FROM localhost/bb:1
        ARG WHO=nobody
        ENV GREETING=hello
        WORKDIR /srv/work
        RUN echo "$GREETING $WHO $(pwd) $(id -u)" > said && cat said
        USER nobody
        RUN id -u
        """,
        args={"WHO": "world"},
    )

    assert builder.output == ["hello world /srv/work 0", "65534"]
    assert builder.find(image, "srv/work/said").read_text() == "hello world /srv/work 0\n"
    assert image.config.environment == {"PATH": "/bin", "GREETING": "hello"}
    assert image.config.user == "nobody"


def test_what_a_command_writes_is_kept_with_the_ids_and_modes_that_it_saw(builder: Builder) -> None:
    image = builder.build(
        """\
        FROM localhost/bb:1
        RUN mkdir /d && echo x > /d/f && chown -R 100:200 /d && cp /bin/busybox /d/su && chmod 4755 /d/su \\
         && ln /d/f /d/hard && ln -s f /d/soft && mkfifo /d/fifo
        """
    )

    found = builder.find(image, "d")
    assert (found.stat().st_uid, found.stat().st_gid) == (100, 200)
    assert ((found / "f").stat().st_uid, (found / "f").stat().st_gid) == (100, 200)
    assert (found / "su").stat().st_uid == 0
    assert stat.S_IMODE((found / "su").stat().st_mode) == 0o4755
    assert (found / "f").stat().st_ino == (found / "hard").stat().st_ino
    assert (found / "soft").readlink() == Path("f")
    facts = builder.store.layer_facts(image.layers[-1])
    assert facts is not None
    assert (facts.privileged_files, facts.highest_id) == (True, 200)


def test_deleted_files_stay_deleted_in_later_steps(builder: Builder) -> None:
    image = builder.build(
        """\
        FROM localhost/bb:1
        RUN mkdir /d && touch /d/old /gone
        RUN rm /gone && rm -r /d && mkdir /d && touch /d/new
        RUN ls / /d
        """
    )

    assert "gone" not in builder.output
    assert "old" not in builder.output
    assert "new" in builder.output
    top = builder.store.layer_directory(image.layers[-1])
    assert stat.S_ISCHR((top / "gone").lstat().st_mode)
    assert os.getxattr(top / "d", "trusted.overlay.opaque") == b"y"


def test_a_second_build_takes_everything_from_the_cache_and_gives_the_same_image(builder: Builder) -> None:
    builder.write("app.txt", "one")
    text = """\
        FROM localhost/bb:1
        COPY app.txt /app/
        RUN cp /app/app.txt /copy
        """
    first = builder.build(text)
    second = builder.build(text)

    assert builder.steps == ["[1/2] COPY app.txt /app/ (cached)", "[2/2] RUN cp /app/app.txt /copy (cached)"]
    assert second == first


def test_a_miss_tells_its_reason(builder: Builder) -> None:
    builder.write("app.txt", "one")
    text = """\
        FROM localhost/bb:1
        RUN echo %s
        ENV COLOR=%s
        COPY app.txt /app/
        RUN cp /app/app.txt /copy
        """
    builder.build(text % ("a", "red"))
    builder.write("app.txt", "two")
    builder.build(text % ("a", "red"))
    assert builder.steps == [
        "[1/3] RUN echo a (cached)",
        "[2/3] COPY app.txt /app/ (app.txt changed)",
        "[3/3] RUN cp /app/app.txt /copy (what it builds on changed)",
    ]
    builder.build(text % ("b", "blue"))
    assert builder.steps == [
        "[1/3] RUN echo b (the instruction changed)",
        "[2/3] COPY app.txt /app/ (cached)",
        "[3/3] RUN cp /app/app.txt /copy (COLOR changed)",
    ]
    builder.build(text % ("b", "blue"), no_cache=True)
    assert [step.partition("(")[2] for step in builder.steps] == ["--no-cache)"] * 3


def test_a_changed_time_alone_rebuilds_nothing(builder: Builder) -> None:
    path = builder.write("app.txt", "one")
    text = "FROM localhost/bb:1\nCOPY app.txt /app/\n"
    builder.build(text)
    os.utime(path, (1, 1))
    builder.build(text)

    assert builder.steps == ["[1/1] COPY app.txt /app/ (cached)"]


def test_stages_hand_files_on_with_their_owners_and_unneeded_ones_are_left_out(builder: Builder) -> None:
    image = builder.build(
        """\
        FROM localhost/bb:1 AS tools
        RUN mkdir -p /out/sub && echo x > /out/sub/f && chown 7:8 /out/sub/f && ln -s /out/sub/f /out/link
        FROM localhost/bb:1 AS unneeded
        RUN false
        FROM scratch
        COPY --from=tools /out /data
        COPY --from=0 /out/link /through
        COPY --from=localhost/bb:1 --chown=5 /bin/busybox /bin/
        """
    )

    owner = builder.find(image, "data/sub/f").stat()
    assert (owner.st_uid, owner.st_gid) == (7, 8)
    assert builder.find(image, "data/link").readlink() == Path("/out/sub/f")
    assert builder.find(image, "through").read_text() == "x\n"
    assert builder.find(image, "bin/busybox").stat().st_uid == 5
    assert len(image.layers) == 3


def test_copy_follows_dockers_rules_for_directories_owners_and_patterns(builder: Builder) -> None:
    for name in ("a.py", "b.py", "c.txt", "tree/deep/f", "tree/.hidden"):
        builder.write(name, name)
    builder.write("run.sh", mode=0o755)
    (builder.context / "tree" / "link").symlink_to("deep/f")
    image = builder.build(
        """\
        FROM localhost/bb:1
        RUN ln -s /srv /linked && mkdir /srv /there
        COPY *.py /code/
        COPY tree /copied
        COPY --chown=nobody --chmod=640 c.txt /renamed
        COPY c.txt /linked/
        COPY c.txt /there
        COPY run.sh run.sh
        """
    )

    assert sorted(path.name for path in builder.find(image, "code").iterdir()) == ["a.py", "b.py"]
    assert sorted(path.name for path in builder.find(image, "copied").iterdir()) == [".hidden", "deep", "link"]
    assert builder.find(image, "copied/link").readlink() == Path("deep/f")
    renamed = builder.find(image, "renamed").stat()
    assert (renamed.st_uid, renamed.st_gid, stat.S_IMODE(renamed.st_mode)) == (65534, 65534, 0o640)
    assert builder.find(image, "srv/c.txt").read_text() == "c.txt"
    assert builder.find(image, "there/c.txt").read_text() == "c.txt"
    assert stat.S_IMODE(builder.find(image, "run.sh").stat().st_mode) == 0o755


def test_ignored_files_are_neither_copied_nor_part_of_the_cache(builder: Builder) -> None:
    builder.write(".dockerignore", "**/*.log\nsecret\n!secret/public\n")
    for name in ("a.log", "sub/b.log", "secret/key", "secret/public", "kept"):
        builder.write(name, name)
    text = "FROM localhost/bb:1\nCOPY . /app/\n"
    image = builder.build(text)
    app = builder.find(image, "app")

    assert sorted(str(path.relative_to(app)) for path in app.rglob("*") if path.is_file()) == [
        ".dockerignore",
        "Dockerfile",
        "kept",
        "secret/public",
    ]
    builder.write("a.log", "changed")
    builder.build(text)
    assert builder.steps == ["[1/1] COPY . /app/ (cached)"]


def test_here_documents_are_scripts_and_files(builder: Builder) -> None:
    image = builder.build(
        """\
        FROM localhost/bb:1
        ENV NAME=value
        RUN <<EOF
        set -e
        echo "from $NAME" > /script
        EOF
        RUN <<EOF
        #!/bin/cat
        read by cat
        EOF
        COPY <<EOF <<"RAW" /etc/
        name="$NAME"
        EOF
        name="$NAME"
        RAW
        """
    )

    assert builder.find(image, "script").read_text() == "from value\n"
    assert builder.output == ["#!/bin/cat", "read by cat"]
    assert builder.find(image, "etc/EOF").read_text() == 'name="value"\n'
    assert builder.find(image, "etc/RAW").read_text() == 'name="$NAME"\n'


def test_add_unpacks_archives_and_nothing_leads_out(builder: Builder) -> None:
    builder.write("f", "content")
    with tarfile.open(builder.context / "good.tar.gz", "w:gz") as archive:
        archive.add(builder.context / "f", "./sub/f")
        link = tarfile.TarInfo("sub/hard")
        link.type, link.linkname = tarfile.LNKTYPE, "sub/f"
        archive.addfile(link)
        away = tarfile.TarInfo("away")
        away.type, away.linkname = tarfile.SYMTYPE, "/"
        archive.addfile(away)
        archive.add(builder.context / "f", "away/inside")
    with tarfile.open(builder.context / "bad.tar", "w") as archive:
        archive.add(builder.context / "f", "../outside")
    image = builder.build("FROM localhost/bb:1\nADD good.tar.gz f /to/\n")

    assert builder.find(image, "to/sub/f").read_text() == "content"
    assert builder.find(image, "to/sub/hard").stat().st_nlink == 2
    assert builder.find(image, "inside").read_text() == "content"  # "away" is the image's root, not the host's
    assert builder.find(image, "to/f").read_text() == "content"
    with pytest.raises(BuildError, match=r"Dockerfile:2: ADD: the archive's entry '\.\./outside' leads out"):
        builder.build("FROM localhost/bb:1\nADD bad.tar /to/\n")


@pytest.mark.parametrize(
    ("dockerfile", "message"),
    [
        ("RUN echo one; echo two >&2; exit 7", "RUN echo one; echo two >&2; exit 7: ended with status 7\n"),
        ("COPY missing /", "COPY: there is no 'missing' in the build context"),
        ("COPY ../up /", "COPY: '../up' leads out of the build context"),
        ("COPY out /", "COPY: 'out' is a link that leads out of the build context"),
        ("COPY --chown=who Dockerfile /", "COPY: --chown=who: the image has no such user or group"),
        ("COPY Dockerfile missing /x", "COPY: there is no 'missing' in the build context"),
        ("COPY Dockerfile /bin/busybox/", "COPY: the image's /bin/busybox is no directory"),
        ("COPY Dockerfile /link/x", "COPY: the image's /link is a link that leads nowhere"),
        ("EXPOSE x", "EXPOSE: 'x' is no port"),
        ("USER who\nRUN true", ""),
    ],
)
def test_a_failing_step_names_its_line(builder: Builder, dockerfile: str, message: str) -> None:
    (builder.context / "out").symlink_to("/etc/passwd")
    builder.write("out.d/x")
    with pytest.raises(BuildError) as caught:
        builder.build(f"FROM localhost/bb:1\nRUN ln -s /nowhere /link\n{dockerfile}\n")

    line = 4 if "\n" in dockerfile else 3
    assert caught.value.message.startswith(f"{builder.context}/Dockerfile:{line}: {message}")
    assert caught.value.line == line


def test_the_output_of_a_failing_command_is_quoted(builder: Builder) -> None:
    with pytest.raises(BuildError) as caught:
        builder.build("FROM localhost/bb:1\nRUN echo one; echo two >&2; exit 7\n")

    assert caught.value.exit_code == 7
    assert caught.value.message.splitlines()[1:] == ["    one", "    two"]


def test_an_interrupted_build_leaves_nothing(builder: Builder) -> None:
    def interrupt(line: str) -> None:
        builder.lines.append(line)
        if line.strip() == "running":
            raise KeyboardInterrupt

    builder.on_progress = interrupt
    with pytest.raises(KeyboardInterrupt):
        builder.build("FROM localhost/bb:1\nRUN echo running; sleep 1000\n")

    assert list(builder.layout.stacks.iterdir()) == []
    assert builder.store.find("built") is None
    assert [path.name for path in (builder.store.root / "tmp").iterdir()] == [".lock"]


_KILLED_BUILD = """
import os, sys
from pathlib import Path
from engine.dockerfiles.build import build
from engine.dockerfiles.requests import BuildRequest
from engine.images.store import ImageStore
from engine.layout import Layout
layout = Layout(run=Path(sys.argv[1]), data=Path(sys.argv[2]))
def show(line):
    if line.strip() == "running":
        os.kill(os.getpid(), 9)
store = ImageStore(layout.images, layout.cache)
build(BuildRequest(Path(sys.argv[3]), "built"), store=store, layout=layout, pull=None, on_progress=show)
"""


def test_what_a_killed_build_left_goes_with_the_next_one(builder: Builder, roots: Layout) -> None:
    builder.write("Dockerfile", "FROM localhost/bb:1\nRUN echo running; sleep 1000\n")
    argv = [sys.executable, "-c", _KILLED_BUILD, str(roots.run), str(roots.data), str(builder.context)]
    pid = os.posix_spawn(sys.executable, argv, {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    assert len(list(roots.stacks.iterdir())) == 1

    sweep(roots)

    assert list(roots.stacks.iterdir()) == []
    with builder.store.workspace():
        assert len(list((builder.store.root / "tmp").iterdir())) == 2
