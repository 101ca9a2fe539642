"""Replicas behind one published port are replaced while clients use them, and nobody notices."""

import http.client
import json
import os
import threading
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple, Self

import pytest

from tests.ports import free_port
from tests.stacks.product import Windlass

REQUESTS = int(os.environ.get("WINDLASS_TEST_REQUESTS", "2000"))
"""At least so many are made over a test; the variable asks for more."""

KEEPING, FRESH = 3, 3

SERVER = """
import asyncio, os, signal

closing = asyncio.Event()
open_connections = 0

async def serve(reader, writer):
    global open_connections
    open_connections += 1
    try:
        while True:
            head = await reader.readuntil(b"\\r\\n\\r\\n")
            last = closing.is_set() or b"connection: close" in head.lower()
            body = os.environ["VERSION"].encode()
            writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n%s\\r\\n%s"
                         % (len(body), b"Connection: close\\r\\n" if last else b"", body))
            await writer.drain()
            if last:
                break
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()
        open_connections -= 1

async def main():
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, closing.set)
    if os.environ["VERSION"] == "broken":
        raise SystemExit(3)
    server = await asyncio.start_server(serve, "0.0.0.0", 8000, backlog=512)
    await closing.wait()
    server.close()
    while open_connections:
        await asyncio.sleep(0.01)

asyncio.run(main())
"""

FILE = """
services:
  web:
    image: localhost/bb:1
    command: [/usr/bin/python3, -S, -E, -c, "${{SERVER}}"]
    environment: {{VERSION: "{version}"}}
    ports: ["127.0.0.1:{port}:8000"]
    volumes: ["/usr:/usr:ro", "/lib:/lib:ro", "/lib64:/lib64:ro"]
    stop_grace_period: 2s
    restart: always
    healthcheck: {{test: [CMD, grep, -q, ":1F40 00000000:0000 0A", /proc/net/tcp], interval: 1s, start_period: 20s}}
    deploy:
      replicas: 4
      update_config: {{order: start-first, parallelism: {parallelism}, failure_action: {action}, monitor: 200ms}}
"""


class Shop(NamedTuple):
    """The stack, and the port that it publishes."""

    windlass: Windlass
    port: int


@pytest.fixture
def shop(project: Callable[..., Windlass]) -> Callable[..., Shop]:
    """The stack at a version of its service."""
    port = free_port()

    def make(version: str, action: str = "pause", parallelism: int = 1) -> Shop:
        file = FILE.format(version=version, port=port, action=action, parallelism=parallelism)
        return Shop(project(file, SERVER=SERVER), port)

    return make


class Load:
    """Clients that ask again and again until they are told to end: some keep their connections, some do not."""

    def __init__(self, port: int) -> None:
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []
        self._port = port
        self._enough = threading.Event()
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(number < KEEPING,)) for number in range(KEEPING + FRESH)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def go_on_until(self, number: int) -> None:
        """Waits until so many requests were answered."""
        while sum(self.answers.values()) < number and not self.failures:
            self._enough.wait(0.05)

    def _ask(self, keeping: bool) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        while not self._over.is_set():
            try:
                connection.request("GET", "/", headers={} if keeping else {"Connection": "close"})
                answer = connection.getresponse()
                self.answers[answer.read().decode()] += 1
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
        connection.close()


@pytest.mark.parametrize("parallelism", [1, 2])
def test_an_update_under_load_fails_no_request(shop: Callable[..., Shop], parallelism: int) -> None:
    first, port = shop("one", parallelism=parallelism)
    first("up", "-d", "--wait")
    with Load(port) as load:
        load.go_on_until(REQUESTS // 4)
        assert set(load.answers) == {"one"}
        done = shop("two", parallelism=parallelism).windlass("up", "-d")
        load.go_on_until(REQUESTS)
    assert load.failures == []
    assert load.answers["two"] > 0
    assert "Container boat-web-4  Retired" in done.stderr
    assert sorted(first.ps()) == [f"boat-web-{number}" for number in (1, 2, 3, 4)]
    with Load(port) as load:
        load.go_on_until(20)
    assert set(load.answers) == {"two"}
    assert first("up", "-d").stderr.endswith("is as its file asks: nothing to do.\n")
    first("down", "-v")


def test_a_broken_version_goes_back_by_itself_and_nobody_notices(shop: Callable[..., Shop]) -> None:
    first, port = shop("one")
    first("up", "-d", "--wait")
    before = first.pids()
    with Load(port) as load:
        load.go_on_until(100)
        failed = shop("broken", action="rollback").windlass("up", "-d", status=1)
        load.go_on_until(REQUESTS // 4)
    assert load.failures == []
    assert set(load.answers) == {"one"}
    assert "exited (3)" in failed.stderr
    assert "the update of web failed: it goes back" in failed.stderr
    assert first.pids() == before
    first("down", "-v")


def test_an_update_cut_off_by_kill_9_is_finished_by_the_next_one(shop: Callable[..., Shop]) -> None:
    first, port = shop("one")
    first("up", "-d", "--wait")
    second = shop("two").windlass
    with Load(port) as load:
        with second.start("--progress", "plain", "up", "-d", stderr=-1) as update:
            assert update.stderr
            for line in update.stderr:
                if "boat-web-2  Retir" in line:
                    update.kill()
                    break
        second("up", "-d")
        load.go_on_until(REQUESTS // 4)
    assert load.failures == []
    assert sorted(first.ps()) == [f"boat-web-{number}" for number in (1, 2, 3, 4)]
    first("down", "-v")


def test_rollback_takes_a_service_back_and_forward_again(shop: Callable[..., Shop]) -> None:
    shop("one").windlass("up", "-d", "--wait")
    boat, port = shop("two")
    boat("up", "-d")
    versions = []
    for _ in range(2):
        boat("rollback", "web")
        with Load(port) as load:
            load.go_on_until(20)
        versions.append(set(load.answers))
    assert versions == [{"one"}, {"two"}]
    assert boat("up", "-d").stderr.endswith("is as its file asks: nothing to do.\n")
    assert json.loads(boat("plan", "--format", "json", status=None).stdout)["steps"] == []
    boat("down", "-v")
