"""Bytes between the user and a program, with ordinary pipes and an ordinary child."""

import os
import subprocess

from compose.conversation import Stream, converse_by_pipes

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
