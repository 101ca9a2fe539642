"""Programs that were written for `docker compose`, unchanged, with windlass in its place."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from testcontainers.compose import DockerCompose
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from tests.leaks import Territory
from tests.stacks.outside import fetch
from tests.stacks.product import Windlass

FILE = """
services:
  web:
    image: localhost/bb:1
    command: [sh, -c, "mkdir /www; echo ahoy >/www/index.html; echo ready; exec httpd -f -p 80 -h /www"]
    stop_signal: SIGKILL
    ports: ["127.0.0.1::80"]
    healthcheck: {test: [CMD, wget, -q, -O, /dev/null, "http://127.0.0.1/"], interval: 1s}
    depends_on: [db]
  db:
    image: localhost/bb:1
    command: [sleep, "1000"]
    stop_signal: SIGKILL
    volumes: ["data:/data"]
volumes:
  data:
"""
PYTEST_CONFTEST = """
import pytest


@pytest.fixture(scope="session")
def docker_compose_command():
    return "{program}"


@pytest.fixture(scope="session")
def docker_compose_file(pytestconfig):
    return pytestconfig.rootpath / "compose.yaml"


@pytest.fixture(scope="session")
def docker_compose_project_name():
    return "hull"
"""
PYTEST_TEST = """
from urllib.request import urlopen


def _serves(url):
    try:
        return urlopen(url).status == 200
    except OSError:
        return False


def test_page(docker_ip, docker_services):
    url = f"http://{docker_ip}:{docker_services.port_for('web', 80)}/"
    docker_services.wait_until_responsive(lambda: _serves(url), timeout=20.0, pause=0.1)
    assert urlopen(url).read() == b"ahoy\\n"
"""


@pytest.fixture
def program(project: Callable[[str], Windlass], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A program called windlass, and an environment in which it finds this test's installation."""
    boat = project(FILE)
    for name, value in boat.environment.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "windlass"
    path.write_text(f'#!/bin/sh\nexec {sys.executable} -m compose.cli "$@"\n')
    path.chmod(0o755)
    return str(path)


def test_testcontainers_starts_a_stack_talks_to_it_and_stops_it(program: str, tmp_path: Path) -> None:
    compose = DockerCompose(tmp_path / "boat", docker_command_path=program, build=True)
    compose.waiting_for({"web": LogMessageWaitStrategy("ready")})
    with compose:
        host, port = compose.get_service_host_and_port("web", 80)
        assert (host, port) == (compose.get_service_host("web", 80), compose.get_service_port("web", 80))
        compose.wait_for(f"http://{host}:{port}/")
        assert fetch(f"http://{host}:{port}/") == "ahoy\n"
        assert compose.exec_in_container(["cat", "/www/index.html"], "web") == ("ahoy\n", "", 0)
        with pytest.raises(subprocess.CalledProcessError) as failed:
            compose.exec_in_container(["false"], "web")
        assert failed.value.returncode == 1
        out, err = compose.get_logs("web")
        assert out.splitlines() == ["web-1  | ready"]
        assert not err
        web = compose.get_container("web")
        assert (web.Name, web.Project, web.State, web.Health, web.ExitCode) == (
            "boat-web-1",
            "boat",
            "running",
            "healthy",
            0,
        )
        assert {container.Service for container in compose.get_containers(include_all=True)} == {"web", "db"}
        assert list(compose.get_config()["services"]) == ["db", "web"]
    assert compose.get_containers(include_all=True) == []


def test_testcontainers_starts_some_services_and_keeps_volumes(program: str, tmp_path: Path) -> None:
    compose = DockerCompose(
        str(tmp_path / "boat"),
        compose_file_name="compose.yaml",
        docker_command_path=program,
        services=["db"],
        wait=False,
        keep_volumes=True,
    )
    with compose:
        assert [container.Service for container in compose.get_containers()] == ["db"]
        compose.exec_in_container(["touch", "/data/kept"])
    assert [container.State for container in compose.get_containers(include_all=True)] == ["exited"]
    with compose:
        assert compose.exec_in_container(["ls", "/data"])[0] == "kept\n"


def test_pytest_docker_gives_its_tests_a_stack(program: str, tmp_path: Path, territory: Territory) -> None:
    territory.stacks.add("hull")
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "compose.yaml").write_text(FILE)
    (inner / "pytest.ini").write_text("[pytest]\n")
    (inner / "conftest.py").write_text(PYTEST_CONFTEST.format(program=program))
    (inner / "test_page.py").write_text(PYTEST_TEST)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(inner), str(inner)]
    done = subprocess.run(command, cwd=inner, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    listed = subprocess.run([program, "ls", "-aq"], capture_output=True, text=True, check=True)
    assert not listed.stdout


SCRIPT = r"""
set -eu
compose() { docker compose -p boat "$@"; }
trap 'compose down --volumes --remove-orphans' EXIT
compose up -d --wait
id=$(compose ps -q web)
test -n "$id"
state=$(compose ps --format json | jq -r 'select(.Service == "web") | .State + " " + .Health')
test "$state" = "running healthy"
compose ps --format json | jq -se 'map(.Name) == ["boat-db-1", "boat-web-1"]' >/dev/null
published=$(compose ps --format json web | jq '.Publishers[0].PublishedPort')
address=$(compose port web 80)
test "$address" = "127.0.0.1:$published"
test "$(wget -q -O - "http://$address/")" = ahoy
echo "select 1;" | compose exec -T db cat | grep -q 'select 1;'
compose exec -T -e NAME=hull db sh -c 'test "$NAME" = hull'
if compose exec -T db false; then exit 1; fi
compose logs --no-log-prefix web | grep -qx ready
compose stop db
test "$(compose ps -a --format '{{.Service}} {{.State}}' db)" = "db exited"
test "$(compose ps --services --status running)" = web
test "$(compose ls --format json | jq -r '.[0].Status')" = "running(1)"
echo done
"""


def test_a_script_for_docker_compose_runs_with_windlass_called_docker(program: str, tmp_path: Path) -> None:
    (tmp_path / "docker").symlink_to(program)
    script = tmp_path / "script"
    script.write_text(SCRIPT)
    done = subprocess.run(
        ["/bin/sh", str(script)],
        cwd=tmp_path / "boat",
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
