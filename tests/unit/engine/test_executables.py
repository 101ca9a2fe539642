"""Runs as whoever runs the tests: root may read everything, but executes only what has an x somewhere."""

import struct
from pathlib import Path

import pytest

from engine import executables
from engine.errors import StartError


def _program(directory: Path, name: str, content: bytes = b"#!/bin/sh\n", mode: int = 0o755) -> Path:
    directory.mkdir(exist_ok=True)
    path = directory / name
    path.write_bytes(content)
    path.chmod(mode)
    return path


def _failure(name: str, search_path: str) -> StartError:
    with pytest.raises(StartError) as caught:
        executables.find(name, search_path)
    return caught.value


def test_the_first_directory_that_has_it_wins(tmp_path: Path) -> None:
    _program(tmp_path / "b", "tool")
    found = _program(tmp_path / "a", "tool")
    assert executables.find("tool", f"{tmp_path}/none:{tmp_path}/a:{tmp_path}/b") == str(found)


def test_what_may_not_be_executed_is_passed_over(tmp_path: Path) -> None:
    _program(tmp_path / "a", "tool", mode=0o644)
    found = _program(tmp_path / "b", "tool")
    assert executables.find("tool", f"{tmp_path}/a:{tmp_path}/b") == str(found)


def test_the_only_candidates_fault_is_told(tmp_path: Path) -> None:
    _program(tmp_path / "a", "tool", mode=0o640)
    failure = _failure("tool", f"{tmp_path}/none:{tmp_path}/a")
    assert failure.message == f'cannot start "{tmp_path}/a/tool": it is not executable by this user (mode 0640)'
    assert (failure.exit_code, failure.hint) == (126, "chmod +x it")


def test_nothing_found_names_the_path() -> None:
    failure = _failure("tool", "/nowhere:/never")
    assert failure.message == 'cannot start "tool": not found in the image\'s PATH (/nowhere:/never)'
    assert failure.exit_code == 127


def test_an_empty_command_is_told_apart() -> None:
    assert _failure("", "/bin").message == "the command is empty"


def test_paths_are_taken_as_they_are(tmp_path: Path) -> None:
    path = _program(tmp_path / "a", "tool")
    assert executables.find(str(path), "/nowhere") == str(path)
    assert _failure(f"{tmp_path}/a/other", "/nowhere").exit_code == 127
    assert _failure(f"{path}/below", "/nowhere").exit_code == 127
    assert _failure(str(tmp_path), "/nowhere").message == f'cannot start "{tmp_path}": it is a directory'


def _elf(interpreter: bytes) -> bytes:
    header = (
        b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    )
    program = struct.pack("<IIQQQQQQ", 3, 4, 120, 0, 0, len(interpreter) + 1, len(interpreter) + 1, 1)
    return header + program + interpreter + b"\0"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"#!/no/such/shell -e\n", "its interpreter /no/such/shell is not in the image"),
        (b"#!/bin/sh\r\n", "its interpreter /bin/sh\\r is not in the image"),
        (_elf(b"/lib/ld-musl-windlass.so.1"), "its interpreter /lib/ld-musl-windlass.so.1 is not in the image"),
        (b"echo hello\n", "it is no program for this machine"),
    ],
)
def test_what_the_kernel_refuses_is_explained(tmp_path: Path, content: bytes, reason: str) -> None:
    path = _program(tmp_path / "a", "tool", content)
    with pytest.raises(StartError) as caught:
        executables.execute(str(path), ["tool"], {})
    assert caught.value.message == f'cannot start "{path}": {reason}'
    assert caught.value.exit_code == 126


def test_an_argument_that_no_program_can_get_is_refused(tmp_path: Path) -> None:
    path = _program(tmp_path / "a", "tool")
    with pytest.raises(StartError, match="embedded null byte"):
        executables.execute(str(path), ["tool", "a\0b"], {})


def test_the_environment_is_completed_not_changed() -> None:
    assert executables.environment({"HOME": "/h", "A": "b"}, "web", "/root") == {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOSTNAME": "web",
        "HOME": "/h",
        "A": "b",
    }
