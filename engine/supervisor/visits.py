"""Runs programs of the supervisor's own inside containers: health probes, hooks."""

import contextlib
import os
import select
import signal
from collections.abc import Callable

from engine.enter import Entered, Entry, enter, read_outcome
from engine.spec import ContainerSpec, Process
from engine.supervisor.containers import Container
from engine.supervisor.exits import reap
from engine.supervisor.loop import READABLE
from engine.supervisor.site import Site

OUTPUT_BYTES = 4096
_CHUNK_BYTES = 1 << 16
_END_MILLISECONDS = 200


class Visit:
    """A program inside a container, and the end of what it prints. `began` is for whoever made it.

    `gone` says that it ended and was let go of. It runs with the rights that `spec` gives, which is the container's own
    or much like it.
    """

    def __init__(
        self, site: Site, container: Container, process: Process, spec: ContainerSpec, on_end: Callable[[], None]
    ) -> None:
        self.began = 0.0
        self.gone = False
        self._loop = site.loop
        self._output = b""
        self._output_fd, far_end = os.pipe2(os.O_CLOEXEC)
        null = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.entered: Entered = enter(
                Entry(
                    process=process,
                    container=container.pidfd,
                    spec=spec,
                    first_id=container.state.first_id,
                    cgroup=site.cgroups.find(container.spec.id, container.spec.cgroup_parent),
                    stdin=null,
                    stdout=far_end,
                    stderr=far_end,
                    cache=site.stack.roots.cache,
                )
            )
        except BaseException:
            os.close(self._output_fd)
            raise
        finally:
            os.close(far_end)
            os.close(null)
        os.set_blocking(self._output_fd, False)
        self._loop.add_reader(self._output_fd, self._read)
        self._loop.watch(self.entered.pidfd, READABLE, lambda _events: on_end())

    def abandon(self) -> None:
        """Ends it with its process group; nobody has reaped it yet, so that both ids still are its own.

        Where SIGKILL does not reach it, it is not waited for: once it ends, the loop lets go of it, and it has `gone`.
        """
        for kill, target in ((os.killpg, self.entered.pid), (signal.pidfd_send_signal, self.entered.pidfd)):
            with contextlib.suppress(ProcessLookupError):
                kill(target, signal.SIGKILL)
        poll = select.poll()
        poll.register(self.entered.pidfd, select.POLLIN)
        if poll.poll(_END_MILLISECONDS):
            reap(self.entered.pidfd)
            self.close()
            return
        self._read()
        self._loop.watch(self.entered.pidfd, READABLE, lambda _events: self._let_go())

    def _let_go(self) -> None:
        reap(self.entered.pidfd)
        self.close()

    def close(self) -> str:
        """Lets go of everything once it ended; tells why the program could not run, if it could not."""
        self._read()
        self._loop.forget(self._output_fd)
        self._loop.forget(self.entered.pidfd)
        os.close(self._output_fd)
        os.close(self.entered.pidfd)
        self.gone = True
        error = read_outcome(self.entered.outcome_fd)
        return "" if error is None else error.message

    def text(self) -> str:
        """The end of what it has printed."""
        return self._output.decode(errors="replace").strip()

    def _read(self) -> None:
        try:
            chunk = os.read(self._output_fd, _CHUNK_BYTES)
        except BlockingIOError:
            return
        self._output = (self._output + chunk)[-OUTPUT_BYTES:]
        if not chunk:
            self._loop.forget(self._output_fd)
