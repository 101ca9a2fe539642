"""A service's replica with its image as a container's specification."""

import msgspec.structs
import pytest

from compose.deciding.fingerprint import changes
from compose.deciding.replica import Replica
from compose.deciding.translate import container_spec
from compose.deciding.translate_lives import health_probe, restart_policy
from compose.errors import FileError
from compose.model import Dependency, Healthcheck, Mount, Network, Port, Service, ServiceNetwork, Stack, Volume
from engine.images.model import Image, ImageConfig, ImageHealth
from engine.spec import (
    BindMount,
    ContainerSpec,
    HealthProbe,
    Limits,
    Process,
    RestartPolicy,
    TmpfsMount,
    VolumeMount,
)
from net.spec import Endpoint, PublishedPort

ID = "0123456789abcdef" * 4
CONFIG = ImageConfig(
    environment={"PATH": "/bin", "MODE": "image"},
    entrypoint=("/entry",),
    command=("serve",),
    working_directory="/srv",
    user="www",
    labels={"vendor": "acme"},
    exposed_ports=("80/tcp",),
    volumes=("/var/lib/data",),
    stop_signal="QUIT",
)


def translated(service: Service, config: ImageConfig = CONFIG, number: int = 1, total: int = 1) -> ContainerSpec:
    stack = Stack(
        name="shop",
        directory="/p",
        files=("/p/compose.yaml",),
        services={service.name: service},
        networks={"default": Network(key="default", name="shop_default")},
        volumes={"data": Volume(key="data", name="shop_data")},
    )
    image = Image(id="sha256:1", created_ns=0, architecture="amd64", config=config, layers=("sha256:l",))
    return container_spec(stack, Replica(service, number, total), image, "bb:1", container_id=ID)


def test_a_bare_service_takes_everything_from_its_image() -> None:
    spec = translated(Service(name="web", networks=(ServiceNetwork(network="default"),)))

    assert spec.name == "shop-web-1"
    assert spec.process == Process(
        argv=("/entry", "serve"),
        environment={"PATH": "/bin", "MODE": "image"},
        working_directory="/srv",
        user="www",
    )
    assert spec.hostname == "0123456789ab"
    assert spec.endpoints == (Endpoint(network="shop_default"),)
    assert spec.exposed_ports == ("80/tcp",)
    assert spec.stop_signal == "SIGQUIT"
    assert spec.stop_grace_seconds == 10.0
    assert spec.mounts == (
        VolumeMount(
            volume="cf5031664b43ebc7f88b30d7fa6a8363db2c7045eafc34f7383429eb6a7c49dc",
            target="/var/lib/data",
        ),
    )


def test_the_file_wins_over_the_image() -> None:
    spec = translated(
        Service(
            name="web",
            container_name="shopfront",
            command=("run",),
            environment={"MODE": "file", "EXTRA": "1"},
            working_dir="/app",
            user="1000:1000",
            hostname="front",
            labels={"vendor": "us"},
            ports=(Port(target=80, published="8080", host_ip="127.0.0.1"), Port(target=53, protocol="udp")),
            expose=("9000",),
            networks=(ServiceNetwork(network="default", aliases=("www",), ipv4_address="10.1.0.5"),),
            links=(("db", "database"),),
            mounts=(
                Mount(type="volume", source="data", target="/var/lib/data/", no_copy=True),
                Mount(type="bind", source="/etc/web", target="/etc/web", read_only=True, create_host_path=False),
                Mount(type="tmpfs", target="/tmp", tmpfs_size_bytes=1024, tmpfs_mode=0o700),
            ),
            restart="on-failure:3",
            stop_signal="SIGINT",
            stop_grace_period_seconds=0.0,
            init=True,
            read_only=True,
            cap_add=("NET_ADMIN",),
            cap_drop=("ALL",),
            mem_limit_bytes=1 << 20,
            cpus=0.5,
            pids_limit=7,
        )
    )

    assert spec.name == "shopfront"
    assert spec.process == Process(
        argv=("/entry", "run"),
        environment={"PATH": "/bin", "MODE": "file", "EXTRA": "1"},
        working_directory="/app",
        user="1000:1000",
    )
    assert spec.hostname == "front"
    assert spec.labels["vendor"] == "us"
    assert spec.ports == (
        PublishedPort(container_port=80, host_port=8080, host_ip="127.0.0.1"),
        PublishedPort(container_port=53, protocol="udp"),
    )
    assert spec.exposed_ports == ("80/tcp", "9000/tcp", "53/udp")
    assert spec.endpoints == (Endpoint(network="shop_default", aliases=("www",), address="10.1.0.5"),)
    assert spec.links == (("db", "database"),)
    assert spec.mounts == (
        VolumeMount(volume="shop_data", target="/var/lib/data/", no_copy=True),
        BindMount(source="/etc/web", target="/etc/web", read_only=True),
        TmpfsMount(target="/tmp", size_bytes=1024, mode=0o700),
    )
    assert spec.restart == RestartPolicy(condition="on-failure", max_retries=3)
    assert spec.stop_signal == "SIGINT"
    assert spec.stop_grace_seconds == 0.0
    assert (spec.init, spec.read_only, spec.cap_add, spec.cap_drop) == (True, True, ("NET_ADMIN",), ("ALL",))
    assert spec.limits == Limits(memory_bytes=1 << 20, cpus=0.5, pids=7)


@pytest.mark.parametrize(
    ("entrypoint", "command", "expected"),
    [
        (None, None, ("/entry", "serve")),
        (None, ("run",), ("/entry", "run")),
        (None, (), ("/entry",)),
        (("/mine",), None, ("/mine",)),
        (("/mine",), ("run",), ("/mine", "run")),
        ((), ("run",), ("run",)),
        ((), None, ("serve",)),
    ],
)
def test_entrypoint_and_command_join_as_in_compose(
    entrypoint: tuple[str, ...] | None, command: tuple[str, ...] | None, expected: tuple[str, ...]
) -> None:
    assert translated(Service(name="web", entrypoint=entrypoint, command=command)).process.argv == expected


def test_a_service_with_nothing_to_run_is_refused() -> None:
    with pytest.raises(FileError, match=r"services\.web has nothing to run: image bb:1 names no command"):
        translated(Service(name="web"), ImageConfig())


def test_labels_say_what_compose_tools_look_for() -> None:
    spec = translated(Service(name="web", depends_on=(Dependency(service="db", condition="service_healthy"),)))

    assert spec.labels == {
        "vendor": "acme",
        "com.docker.compose.project": "shop",
        "com.docker.compose.service": "web",
        "com.docker.compose.container-number": "1",
        "com.docker.compose.config-hash": spec.config_hash,
        "com.docker.compose.oneoff": "False",
        "com.docker.compose.project.working_dir": "/p",
        "com.docker.compose.project.config_files": "/p/compose.yaml",
        "com.docker.compose.depends_on": "db:service_healthy:false",
        "com.docker.compose.image": "sha256:1",
        "com.docker.compose.version": "0.1.0",
    }


def test_a_published_range_is_spread_over_the_replicas() -> None:
    service = Service(name="web", ports=(Port(target=80, published="8000-8002"),))

    found = [translated(service, number=number, total=3).ports[0].host_port for number in (1, 2, 3)]
    assert found == [8000, 8001, 8002]


def test_a_range_that_is_too_short_for_the_replicas_is_refused() -> None:
    with pytest.raises(FileError, match="publishes port 8000-8001, but has 3 replicas"):
        translated(Service(name="web", ports=(Port(target=80, published="8000-8001"),)), number=1, total=3)


def test_anonymous_volumes_keep_their_name_over_recreation_and_differ_between_replicas() -> None:
    service = Service(name="web", mounts=(Mount(type="volume", target="/cache"),))
    names = [translated(service, ImageConfig(command=("x",)), number=number).mounts for number in (1, 1, 2)]

    assert names[0] == names[1]
    assert names[0] != names[2]
    assert isinstance(names[0][0], VolumeMount)
    assert len(names[0][0].volume) == 64


IMAGE_HEALTH = ImageConfig(health=ImageHealth(argv=("CMD", "check"), interval_seconds=5.0, retries=9))


@pytest.mark.parametrize(
    ("check", "config", "expected"),
    [
        (None, ImageConfig(), None),
        (None, IMAGE_HEALTH, HealthProbe(argv=("check",), interval_seconds=5.0, retries=9)),
        (Healthcheck(disable=True), IMAGE_HEALTH, None),
        (Healthcheck(test=("NONE",)), IMAGE_HEALTH, None),
        (Healthcheck(retries=1), IMAGE_HEALTH, HealthProbe(argv=("check",), interval_seconds=5.0, retries=1)),
        (
            Healthcheck(test=("CMD-SHELL", "a | b"), timeout_seconds=2.0, start_period_seconds=1.0),
            ImageConfig(),
            HealthProbe(argv=("/bin/sh", "-c", "a | b"), timeout_seconds=2.0, start_period_seconds=1.0),
        ),
    ],
)
def test_health_checks_merge_with_the_images(
    check: Healthcheck | None, config: ImageConfig, expected: HealthProbe | None
) -> None:
    assert health_probe(check, config) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no", RestartPolicy()),
        ("always", RestartPolicy(condition="always")),
        ("unless-stopped", RestartPolicy(condition="unless-stopped")),
        ("on-failure", RestartPolicy(condition="on-failure")),
        ("on-failure:5", RestartPolicy(condition="on-failure", max_retries=5)),
    ],
)
def test_restart_texts_are_policies(text: str, expected: RestartPolicy) -> None:
    assert restart_policy(text) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"environment": {"A": "1"}}, {"environment": {}}, ("environment.A removed",)),
        ({}, {"environment": {"A": "1"}}, ("environment.A added: '1'",)),
        (
            {"environment": {"DB_PASSWORD": "a"}},
            {"environment": {"DB_PASSWORD": "b"}},
            ("environment.DB_PASSWORD changed",),
        ),
        ({"command": ("a", "b c")}, {"command": ("d",)}, ("command changed: /entry a 'b c' -> /entry d",)),
        ({"labels": {"x": "1"}}, {"labels": {"x": "2"}}, ("labels.x changed: '1' -> '2'",)),
        (
            {"ports": (Port(target=80, published="80"),)},
            {"ports": (Port(target=80, published="81"),)},
            ("ports changed: -80:80/tcp +81:80/tcp",),
        ),
        ({}, {"restart": "on-failure:2"}, ("restart changed: no -> on-failure:2",)),
        ({}, {"hostname": "h"}, ("hostname changed: '' -> 'h'",)),
        ({"mem_limit_bytes": 5}, {"mem_limit_bytes": None}, ("mem_limit changed: 5 -> None",)),
        ({}, {"healthcheck": Healthcheck(test=("CMD", "x"))}, ("healthcheck changed",)),
        ({}, {"depends_on": (Dependency(service="db"),)}, ()),
        ({}, {"profiles": ("x",), "replicas": 3}, ()),
        (
            {},
            {"environment": {"A": "1", "B": "2", "C": "3", "D": "4"}},
            ("environment.A added: '1'", "environment.B added: '2'", "environment.C added: '3'", "1 more"),
        ),
    ],
)
def test_changes_are_told_in_the_words_of_the_file(
    old: dict[str, object], new: dict[str, object], expected: tuple[str, ...]
) -> None:
    before = translated(Service(name="web", **old))  # type: ignore[arg-type]
    after = msgspec.structs.replace(translated(Service(name="web", **new)))  # type: ignore[arg-type]
    assert changes(before, after) == expected
