"""kill -9 of the supervisor at any step of its work: the next one goes on, and in the end nothing is left."""

import os
import sys
from pathlib import Path

import pytest

from engine.client import connect
from engine.errors import SupervisorError
from engine.layout import StackLayout
from engine.protocol import Create, EnsureNetwork, Remove, Request, Shutdown, Start, Stop
from net.spec import NetworkSpec
from tests.kernel.supervisor.conftest import NETWORK, Driver

pytestmark = pytest.mark.root

STRIDE = 24
"""Some 270 steps are taken in strides that several tests share out among them, so that it ends soon."""
MORTAL = Path(__file__).with_name("mortal.py")


class MortalDriver(Driver):
    """Drives a supervisor that is killed at one step."""

    def __init__(self, stack: StackLayout, step: int) -> None:
        self.stack = stack
        self._made = 0
        layout = stack.roots
        argv = [sys.executable, str(MORTAL), str(step), "--run", str(layout.run), "--data", str(layout.data), "shop"]
        ready, readying = os.pipe()
        self.mortal = os.posix_spawn(
            sys.executable,
            argv,
            {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
            file_actions=[(os.POSIX_SPAWN_DUP2, readying, 1)],
            setsid=True,
        )
        os.close(readying)
        assert os.read(ready, 1000).startswith(b'{"type":"ready"')
        os.close(ready)
        self.client = connect(stack, spawn=False)


def survives(driver: Driver, mortal: int, request: Request) -> bool:
    """Makes the request; False when it was the supervisor's end."""
    try:
        driver.client.ask(request)
    except SupervisorError:
        os.waitpid(mortal, 0)
        driver.client.close()
        return False
    return True


@pytest.mark.parametrize("first_step", [1, 9, 17])
def test_a_containers_life_goes_on_wherever_its_supervisor_is_killed(stack: StackLayout, first_step: int) -> None:
    for step in range(first_step, 10_000, STRIDE):
        if run_with_death_at(stack, step):
            return


def run_with_death_at(stack: StackLayout, step: int) -> bool:
    """Walks a stack through its life, making the request again that was cut off; True when none was."""
    driver = MortalDriver(stack, step)
    mortal = driver.mortal
    spec = driver.spec("web", "echo hello; exec sleep 1000")
    survived = True
    requests: tuple[Request, ...] = (
        EnsureNetwork(spec=NetworkSpec(name=NETWORK)),
        Create(spec=spec),
        Start(id=spec.id),
        Stop(id=spec.id, grace_seconds=0),
        Remove(id=spec.id),
        Shutdown(),
    )
    for request in requests:
        if not survived:
            driver.client.ask(request)
        elif not survives(driver, mortal, request):
            survived = False
            driver.client = connect(stack, spawn=True)
            driver.client.ask(request)
    if survived:
        os.waitpid(mortal, 0)
    else:
        os.waitpid(driver.pid, 0)
    driver.client.close()
    assert not stack.directory.exists()
    assert not stack.data(spec.id).exists()
    return survived
