"""Configs and secrets, seen from inside the containers that get them."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator

import pytest

from tests.stacks.product import Windlass

pytestmark = pytest.mark.root

FILE = """
services:
  web:
    image: localhost/bb:1
    command: [sleep, "1000"]
    stop_signal: SIGKILL
    read_only: true
    user: "33:34"
    configs:
      - source: app
        target: /etc/deep/app.conf
        uid: "33"
        gid: "34"
        mode: 0440
      - script
    secrets:
      - token
      - {source: file, target: other, uid: "33", mode: 0400}
      - outside
configs:
  app: {content: "greeting = ${GREETING:-hello}\\n"}
  script: {file: ./script.sh}
secrets:
  token: {environment: TOKEN}
  file: {file: ./secret.txt}
  outside: {external: true}
"""
LOOK = "stat -c '%n %u:%g %a' /etc/deep/app.conf /script /run/secrets/*; cat /etc/deep/app.conf /run/secrets/*"
SEEN = """\
/etc/deep/app.conf 33:34 440
/script 0:0 444
/run/secrets/other 33:0 400
/run/secrets/outside 0:0 444
/run/secrets/token 0:0 444
greeting = hello
from a file
from outside
s3cret
"""


@pytest.fixture
def boat(project: Callable[..., Windlass]) -> Iterator[Windlass]:
    boat = project(FILE, TOKEN="s3cret\n")
    (boat.directory / "script.sh").write_text("#!/bin/sh\n")
    (boat.directory / "secret.txt").write_text("from a file\n")
    boat.roots.secrets.mkdir()
    (boat.roots.secrets / "outside").write_text("from outside\n")
    yield boat
    shutil.rmtree(boat.roots.secrets)


def _contents(boat: Windlass) -> int:
    directory = boat.roots.stack("boat").contents
    return len(list(directory.iterdir())) if directory.exists() else 0


def test_they_have_owner_and_mode_even_in_a_read_only_root(boat: Windlass) -> None:
    boat("up", "-d")
    assert boat("exec", "-T", "web", "sh", "-c", LOOK).stdout == SEEN
    said = boat("exec", "-T", "-u", "0", "web", "sh", "-c", "echo x >>/run/secrets/token", status=None)
    assert "Read-only file system" in said.stderr
    mounts = boat("exec", "-T", "web", "grep", " /run/secrets/", "/proc/self/mountinfo").stdout.splitlines()
    assert {line.split()[5] for line in mounts} == {"ro,nosuid,nodev,relatime"}

    os.kill(boat.supervisor_pid(), signal.SIGKILL)
    boat("up", "-d")
    assert boat("exec", "-T", "web", "sh", "-c", LOOK).stdout == SEEN
    assert _contents(boat) == 5
    boat("down")


def test_a_changed_content_makes_a_new_container_and_the_last_one_is_kept_to_go_back_to(boat: Windlass) -> None:
    boat("up", "-d")
    before = boat.pids()
    boat("up", "-d")
    assert boat.pids() == before
    boat.environment["GREETING"] = "ahoy"
    boat.environment["TOKEN"] = "other"
    plan = boat("plan").stdout
    assert "config app changed, secret token changed" in plan
    assert "ahoy" not in plan
    assert "other" not in plan
    boat("up", "-d")
    assert boat("exec", "-T", "web", "cat", "/etc/deep/app.conf").stdout == "greeting = ahoy\n"
    assert _contents(boat) == 7
    boat.environment["GREETING"] = "hello again"
    boat.environment["TOKEN"] = "third"
    boat("up", "-d")
    assert _contents(boat) == 7
    boat("down")


def test_secrets_stay_out_of_everything_that_is_written(boat: Windlass) -> None:
    boat("up", "-d")
    place = boat.roots.stack("boat")
    files = (path for path in boat.roots.run.rglob("*") if path.is_file() and path.parent.name != "pins")
    written = [path for path in files if b"s3cret" in path.read_bytes()]
    assert {path.parent.name for path in written} <= {"contents", "files"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in place.contents.iterdir())
    assert "s3cret" not in boat("ps", "--format", "json").stdout
    boat("down")
    assert not place.directory.exists()


def test_they_lie_over_files_of_the_image_and_in_a_tmpfs_of_the_service(project: Callable[..., Windlass]) -> None:
    boat = project(
        """
services:
  web:
    image: localhost/bb:1
    command: [sleep, "1000"]
    stop_signal: SIGKILL
    tmpfs: /run
    volumes: ["data:/srv"]
    configs:
      - {source: one, target: /etc/group}
      - {source: one, target: /srv/inside/one}
      - {source: run, target: /entry, mode: 0755}
    secrets: [word]
configs:
  one: {content: "first\\n"}
  run: {content: "#!/bin/sh\\necho started\\n"}
secrets:
  word: {environment: WORD}
volumes: {data: }
""",
        WORD="hush",
    )
    boat("up", "-d")
    said = boat("exec", "-T", "web", "sh", "-c", "/entry; cat /etc/group /srv/inside/one /run/secrets/word").stdout
    assert said == "started\nfirst\nfirst\nhush"
    boat("down", "-v")
