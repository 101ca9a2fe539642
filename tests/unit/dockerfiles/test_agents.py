"""An SSH agent's socket, as commands of a build get it."""

import os
import socket
import stat
import threading
from pathlib import Path

import pytest

from engine.dockerfiles.agents import forwarded
from engine.dockerfiles.problems import Mistake
from engine.dockerfiles.running import Agent


def test_what_is_asked_of_the_socket_the_agent_answers(tmp_path: Path) -> None:
    source, path = tmp_path / "agent", tmp_path / "forwarded"
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(str(source))
        agent.listen()

        def answer() -> None:
            agent.accept()[0].close()  # the first question is whether anybody listens
            peer, _ = agent.accept()
            with peer:
                peer.sendall(peer.recv(100)[::-1])

        thread = threading.Thread(target=answer)
        thread.start()
        with forwarded(Agent(source, "/agent", os.getuid(), os.getgid(), 0o600), path):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            with socket.socket(socket.AF_UNIX) as asking:
                asking.connect(str(path))
                asking.sendall(b"abc")
                assert asking.recv(100) == b"cba"
                assert asking.recv(100) == b""
        thread.join()

    assert not path.exists()


def test_an_agent_that_does_not_answer_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(Mistake, match=r"no SSH agent answers at .*/none: No such file or directory"),
        forwarded(Agent(tmp_path / "none", "/agent", 0, 0, 0o600), tmp_path / "forwarded"),
    ):
        pass
