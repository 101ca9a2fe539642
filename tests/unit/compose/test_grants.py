"""Configs and secrets: what the file may say of them, and what a container gets."""

from collections.abc import Callable
from pathlib import Path

import pytest

from compose.deciding.fingerprint import changes
from compose.deciding.replica import Replica
from compose.deciding.translate import container_spec
from compose.deciding.translate_files import Surroundings
from compose.doing.contents import gather_contents
from compose.errors import FileError
from compose.model import Content, Grant, Stack
from engine.contents import digest_of
from engine.images.model import Image, ImageConfig
from engine.layout import Layout
from engine.spec import ContainerSpec, FileMount

Read = Callable[..., Stack]
IMAGE = Image(id="sha256:1", created_ns=0, architecture="amd64", config=ImageConfig(command=("x",)), layers=())
FILE = """
services:
  web:
    image: bb
    configs:
      - app
      - {source: app, target: /etc/app.conf, uid: "33", gid: "34", mode: 0750}
      - {source: app, target: etc/below}
    secrets:
      - token
      - {source: token, target: nested/token, mode: "0400"}
configs:
  app: {content: "a = ${A:-1}\\n"}
secrets:
  token: {environment: TOKEN}
"""


def _spec(stack: Stack, **digests: str) -> ContainerSpec:
    known = {("configs" if key == "app" else "secrets", key): value for key, value in digests.items()}
    service = stack.services["web"]
    around = Surroundings(digests=known)
    return container_spec(stack, Replica(service, 1, 1), IMAGE, "bb", container_id="0" * 64, around=around)


def test_short_and_long_forms_say_target_owner_and_mode(read: Read) -> None:
    service = read(FILE).services["web"]
    assert service.configs == (
        Grant(source="app", target="/app"),
        Grant(source="app", target="/etc/app.conf", uid=33, gid=34, mode=0o750),
        Grant(source="app", target="/etc/below"),
    )
    assert service.secrets == (
        Grant(source="token", target="/run/secrets/token"),
        Grant(source="token", target="/run/secrets/nested/token", mode=0o400),
    )


def test_each_source_is_described(read: Read, tmp_path: Path) -> None:
    text = FILE.replace("content:", "file: ./app.conf #")
    stack = read(text.replace("app: {file: ./app.conf", "app: {file: ./app.conf}"), environment={"TOKEN": "s3"})
    assert stack.configs["app"] == Content(key="app", name="proj_app", file=str(tmp_path / "app.conf"))
    assert stack.secrets["token"] == Content(key="token", name="proj_token", environment="TOKEN", value="s3")


def test_what_no_service_gets_is_left_out(read: Read) -> None:
    stack = read(FILE + "  unused: {file: ./nowhere}\n")
    assert list(stack.secrets) == ["token"]


def test_a_source_must_be_given_once(problems: Callable[..., str]) -> None:
    said = problems(FILE.replace('content: "a = ${A:-1}\\n"', "labels: {a: b}").replace("TOKEN}", "T, file: ./t}"))
    assert said == (
        "compose.yaml:13:8: configs.app does not say where its content comes from\n"
        "  add one of file, environment, content or external\n"
        "compose.yaml:15:24: secrets.token has both 'file' and 'environment'\n"
        "  keep one of the two"
    )


def test_an_unknown_config_and_a_strange_owner_are_refused(problems: Callable[..., str]) -> None:
    assert problems(FILE.replace("      - app\n", "      - apq\n")) == (
        "compose.yaml:6:9: services.web uses the config 'apq', which is not defined\n  did you mean 'app'?"
    )
    assert problems(FILE.replace('"33"', "www")) == (
        "compose.yaml:7:51: services.web.configs[1].uid cannot be 'www'\n  write a number below 65536"
    )


def test_drivers_are_obstacles_and_a_secret_has_a_source_even_with_one(
    read: Read, problems: Callable[..., str]
) -> None:
    stack = read(FILE.replace("{environment: TOKEN}", "{environment: TOKEN, driver: vault}"))
    assert [str(each) for each in stack.obstacles] == ["compose.yaml:15:39: secrets.token.driver is not supported yet"]
    for without in ("driver: vault", 'environment: ""'):
        assert problems(FILE.replace("environment: TOKEN", without)).startswith(
            "compose.yaml:15:10: secrets.token does not say where its content comes from\n"
        )


def test_contents_come_from_where_the_file_says(read: Read, tmp_path: Path) -> None:
    layout = Layout(run=tmp_path / "run", data=tmp_path / "data")
    stack = read(FILE, environment={"TOKEN": "s3cret"})
    found = gather_contents(stack, stack.services.values(), layout)
    assert found.digests == {("configs", "app"): digest_of(b"a = 1\n"), ("secrets", "token"): digest_of(b"s3cret")}
    assert sorted(found.by_digest.values()) == [b"a = 1\n", b"s3cret"]


def test_external_contents_come_from_the_hosts_own_store(read: Read, tmp_path: Path) -> None:
    layout = Layout(run=tmp_path / "run", data=tmp_path / "data")
    stack = read(FILE.replace("environment: TOKEN", "external: true, name: api"))
    with pytest.raises(FileError) as caught:
        gather_contents(stack, stack.services.values(), layout)
    assert [(each.message, each.hint) for each in caught.value.problems] == [
        (
            "secrets.token: the external secret api does not exist",
            f"put its content into the file {tmp_path}/data/secrets/api",
        )
    ]
    layout.secrets.mkdir(parents=True)
    (layout.secrets / "api").write_bytes(b"out there")
    assert b"out there" in gather_contents(stack, stack.services.values(), layout).by_digest.values()


def test_every_content_that_is_missing_is_told(read: Read, tmp_path: Path) -> None:
    layout = Layout(run=tmp_path / "run", data=tmp_path / "data")
    stack = read(FILE.replace('content: "a = ${A:-1}\\n"', "file: ./none"))
    with pytest.raises(FileError) as caught:
        gather_contents(stack, stack.services.values(), layout)
    assert [str(each) for each in caught.value.problems] == [
        f"compose.yaml:13:15: configs.app: the file {tmp_path}/none does not exist",
        "compose.yaml:15:24: secrets.token: the variable TOKEN is not set",
    ]


def test_a_container_gets_digests_and_no_contents(read: Read) -> None:
    spec = _spec(read(FILE, environment={"TOKEN": "s3"}), app="sha256:a", token="sha256:b")
    assert spec.mounts[1] == FileMount(
        target="/etc/app.conf", digest="sha256:a", kind="config", name="app", uid=33, gid=34, mode=0o750
    )
    assert spec.mounts[3] == FileMount(target="/run/secrets/token", digest="sha256:b", kind="secret", name="token")


def test_another_content_is_told_by_its_name(read: Read) -> None:
    stack = read(FILE, environment={"TOKEN": "s3"})
    old = _spec(stack, app="sha256:a", token="sha256:b")
    assert changes(old, _spec(stack, app="sha256:c", token="sha256:b")) == (
        "config app changed",
        "config app changed",
        "config app changed",
    )
    other = read(FILE.replace('nested/token, mode: "0400"', "token2").replace('gid: "34"', 'gid: "0"'))
    assert changes(old, _spec(other, app="sha256:a", token="sha256:b")) == (
        "config app has another owner or mode",
        "secret token added: /run/secrets/token2",
        "secret token removed: /run/secrets/nested/token",
    )
