"""Bytes between the user and a program, with ordinary pipes and an ordinary child."""

import os
import subprocess
import threading

import pytest

from compose.errors import UsageError
from compose.terminal.conversation import converse_by_pipes
from compose.terminal.keyboard import Detached, DetachKeys, parse_keys
from compose.terminal.streaming import Stream

BROKEN_PIPE = 128 + 13


def test_a_program_whose_reader_has_gone_meets_a_broken_pipe_and_ends() -> None:
    reader, our_stdout = os.pipe2(os.O_CLOEXEC)
    os.close(reader)
    with subprocess.Popen(["timeout", "10", "yes"], stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        pidfd = os.pidfd_open(program.pid)
        stream = Stream(program.stdout.fileno(), our_stdout, let_go=True)
        assert converse_by_pipes([], [stream], pidfd) == BROKEN_PIPE
    os.close(pidfd)
    os.close(our_stdout)


def test_bytes_pass_both_ways_at_once_unharmed_though_the_program_answers_before_it_has_read_all() -> None:
    sent = os.urandom(8 << 20)
    outside_in, our_stdin = os.pipe2(os.O_CLOEXEC)
    our_stdout, outside_out = os.pipe2(os.O_CLOEXEC)
    received = bytearray()

    def feed() -> None:
        with os.fdopen(our_stdin, "wb") as file:
            file.write(sent)

    def collect() -> None:
        with os.fdopen(our_stdout, "rb") as file:
            received.extend(file.read())

    threads = [threading.Thread(target=feed), threading.Thread(target=collect)]
    for thread in threads:
        thread.start()
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        pidfd = os.pidfd_open(program.pid)
        inward = Stream(outside_in, os.dup(program.stdin.fileno()), close_target=True, own_target=True)
        program.stdin.close()
        outward = Stream(program.stdout.fileno(), outside_out, let_go=True)
        assert converse_by_pipes([inward], [outward], pidfd) == 0
    os.close(pidfd)
    os.close(outside_out)
    os.close(outside_in)
    for thread in threads:
        thread.join(10)
    assert received == sent


def test_the_keys_that_detach_are_found_wherever_reads_cut_them_and_held_back_no_longer_than_needed() -> None:
    keys = DetachKeys(parse_keys("ctrl-p,ctrl-q"))
    assert keys(b"ab\x10") == b"ab"
    assert keys(b"c") == b"\x10c"
    assert keys(b"\x10\x10") == b"\x10"
    with pytest.raises(Detached):
        keys(b"\x11")


def test_keys_are_letters_or_control_characters() -> None:
    assert parse_keys("ctrl-a,d") == b"\x01d"
    assert parse_keys("ctrl-],ctrl-@") == b"\x1d\x00"
    assert parse_keys("") == b""
    with pytest.raises(UsageError, match="'strg-a' is no key"):
        parse_keys("strg-a")
