"""How a container's program is found, run, and found wanting."""

import os
from pathlib import Path

import pytest

from tests.kernel.engine.boxes import Boxes

pytestmark = pytest.mark.root


def test_it_has_the_usual_surroundings(boxes: Boxes) -> None:
    said = boxes.sh("hostname; pwd; umask; cat /etc/hosts /etc/hostname /etc/resolv.conf; env | sort | grep -v SHLVL")
    assert said.output.split("\n") == [
        *("web", "/", "0022", "the engine's hosts", "the engine's hostname", "the engine's resolv.conf"),
        *("HOME=/root", "HOSTNAME=web", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        *("PWD=/", ""),
    ]


def test_its_environment_wins(boxes: Boxes) -> None:
    said = boxes.run("env", environment={"HOME": "/elsewhere", "PATH": "/bin", "GREETING": "hi"}).output
    assert set(said.split()) == {"HOME=/elsewhere", "PATH=/bin", "GREETING=hi", "HOSTNAME=web"}


def test_its_exit_code_is_told(boxes: Boxes) -> None:
    assert boxes.sh("exit 3").code == 3


@pytest.mark.parametrize(
    ("user", "said"),
    [
        ("", "0 0 0 60 /root"),
        ("bob", "1000 1001 1001 10 60 /home/bob"),
        ("1000", "1000 1001 1001 10 60 /home/bob"),
        ("bob:games", "1000 60 60 /home/bob"),
        ("1234", "1234 0 0 /"),
        ("1234:99", "1234 99 99 /"),
    ],
)
def test_users_are_those_of_the_image(boxes: Boxes, user: str, said: str) -> None:
    assert boxes.sh("echo $(id -u) $(id -g) $(id -G) $HOME", user=user).output == said + "\n"


@pytest.mark.parametrize("user", ["joe", "bob:nogroup", "bob:", "-1", "65536", "4294967295", "1000 0", "0x0", "root "])
def test_unknown_users_are_refused(boxes: Boxes, user: str) -> None:
    failure = boxes.failure("true", user=user)
    assert failure.stage == "user"
    assert repr(user) in failure.message


@pytest.mark.parametrize("kind", ["link", "fifo", "device", "huge"])
def test_hostile_passwd_files_are_harmless(boxes: Boxes, tmp_path: Path, kind: str) -> None:
    layer = tmp_path / "layer"
    (layer / "etc").mkdir(parents=True)
    passwd = layer / "etc" / "passwd"
    if kind == "link":
        passwd.symlink_to("/proc/1/mem")
    elif kind == "fifo":
        os.mkfifo(passwd)
    elif kind == "device":
        passwd.symlink_to("/dev/zero")
    else:
        with passwd.open("wb") as file:
            file.truncate(8 << 30)
    failure = boxes.failure("true", user="bob", layers=(boxes.layer, layer))
    assert failure.message == "cannot run as 'bob': the image has no user 'bob'"


def test_the_working_directory_is_made_if_missing(boxes: Boxes) -> None:
    assert boxes.sh("pwd; stat -c '%u %a' .", working_directory="/srv/app/data").output == "/srv/app/data\n0 755\n"


def test_the_working_directory_never_leaves_the_image(boxes: Boxes, tmp_path: Path) -> None:
    layer = tmp_path / "layer"
    layer.mkdir()
    (layer / "away").symlink_to("/proc/self/fd/7")
    failure = boxes.failure("pwd", working_directory="/away", layers=(boxes.layer, layer))
    assert failure.stage in {"working directory", "mounts"}
    assert boxes.run("pwd", working_directory="/../../etc").output == "/etc\n"


def test_a_missing_command_says_where_it_was_looked_for(boxes: Boxes) -> None:
    failure = boxes.failure("ngix", environment={"PATH": "/bin:/sbin"})
    assert failure.message == 'cannot start "ngix": not found in the image\'s PATH (/bin:/sbin)'
    assert failure.exit_code == 127
    assert boxes.failure("/bin/ngix").exit_code == 127


def _script(directory: Path, name: str, text: str, mode: int = 0o755) -> None:
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(text)
    (directory / name).chmod(mode)


def test_what_cannot_be_executed_says_why(boxes: Boxes, tmp_path: Path) -> None:
    layer = tmp_path / "layer"
    _script(layer, "locked", "#!/bin/sh\n", 0o644)
    _script(layer, "alien", "#!/bin/bash\n")
    _script(layer, "windows", "#!/bin/sh\r\n")
    _script(layer, "plain", "echo hi\n")
    expected = {
        "/locked": 'cannot start "/locked": it is not executable by this user (mode 0644)',
        "/alien": 'cannot start "/alien": its interpreter /bin/bash is not in the image',
        "/plain": 'cannot start "/plain": it is no program for this machine',
        "/etc": 'cannot start "/etc": it is a directory',
    }
    for path, message in expected.items():
        failure = boxes.failure(path, layers=(boxes.layer, layer))
        assert (failure.message, failure.exit_code) == (message, 126)


def test_an_init_reaps_and_hands_signals_on(boxes: Boxes) -> None:
    box = boxes.start("sh", "-c", "cat /proc/1/comm; echo $$ >/dev/null; exit 7", init=True)
    ended = box.wait()
    assert ended.output.split()[0] in {"init", "tini-static", "catatonit"}
    assert ended.code == 7
    assert boxes.failure("nope", init=True).exit_code == 127


def test_output_can_be_opened_anew_by_any_user(boxes: Boxes) -> None:
    assert boxes.sh("echo hello >/dev/stdout; echo error >/dev/stderr", user="bob").output == "hello\nerror\n"


def test_a_container_that_was_started_before_keeps_its_files(boxes: Boxes) -> None:
    first = boxes.start("sh", "-c", "echo kept >/kept")
    first.wait()
    again = boxes.start("cat", "/kept", container_id=first.spec.id)
    assert again.wait().output == "kept\n"
    assert again.first_id == first.first_id
