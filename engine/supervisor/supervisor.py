"""Answers the requests of a stack's clients."""

import os
import shutil

from engine.layout import StackLayout
from engine.protocol import (
    Done,
    Failure,
    Greeting,
    Hello,
    Picture,
    Remove,
    Request,
    Shutdown,
    Snapshot,
    Stop,
    Subscribe,
)
from engine.supervisor.loop import Loop
from engine.supervisor.server import Answer, Connection, Server

VERSION = "0.1.0"


class Supervisor:
    """One stack's supervisor: made, it listens and has adopted what ran; `run` lasts until it is shut down."""

    def __init__(self, stack: StackLayout) -> None:
        self._stack = stack
        self._loop = Loop()
        self._server = Server(stack.socket, self._loop, self._handle)

    def run(self) -> None:
        """Serves until a Shutdown was carried out."""
        self._loop.run()
        self._server.close()
        shutil.rmtree(self._stack.directory)

    def _handle(self, connection: Connection, request: Request, answer: Answer) -> None:
        match request:
            case Hello():
                answer(Greeting(version=VERSION, pid=os.getpid()))
            case Snapshot():
                answer(Picture(containers=(), networks=()))
            case Subscribe():
                connection.subscribed = True
                answer(Done())
            case Shutdown():
                answer(Done())
                self._loop.stop()
            case Stop(id=container_id):
                answer(Failure(message=f"there is no container {container_id}"))
            case Remove():
                answer(Done())
            case _:
                answer(Failure(message=f"the supervisor cannot do {type(request).__name__} yet"))
