"""A small world to plan in: stacks, images, and what runs of them."""

import itertools
from dataclasses import dataclass, field
from textwrap import dedent

import msgspec.structs

from compose.deciding.choices import ImageChoice
from compose.deciding.observed import Observed, ObservedVolume
from compose.deciding.options import Options
from compose.deciding.plan import plan
from compose.deciding.steps import Plan
from compose.deciding.wanted import Wanted, wanted_stack
from compose.model import (
    Dependency,
    Healthcheck,
    Mount,
    Network,
    Service,
    ServiceNetwork,
    Stack,
    Volume,
)
from compose.showing.plan_text import plan_text
from engine.images.model import Image, ImageConfig
from engine.spec import ContainerSpec
from engine.state import ContainerRecord, ContainerState
from net.spec import NetworkState

IMAGE = Image(
    id="sha256:aaaaaaaaaaaaaaaa",
    created_ns=0,
    architecture="amd64",
    config=ImageConfig(command=("serve",)),
    layers=("sha256:1",),
)
OTHER_IMAGE = msgspec.structs.replace(IMAGE, id="sha256:bbbbbbbbbbbbbbbb")


def service(name: str, **fields: object) -> Service:
    return Service(**{"name": name, "image": "bb", "networks": (ServiceNetwork(network="default"),), **fields})


def stack(*services: Service, directory: str = "/p", **fields: object) -> Stack:
    return Stack(
        **{
            "name": "shop",
            "directory": directory,
            "files": (f"{directory}/compose.yaml",),
            "services": {each.name: each for each in services},
            "networks": {"default": Network(key="default", name="shop_default")},
            "volumes": {"data": Volume(key="data", name="shop_data")},
            **fields,
        }
    )


def wanted(of: Stack, image: Image = IMAGE, **options: object) -> Wanted:
    ids = (f"{number:064x}" for number in itertools.count(1))
    images = {name: ImageChoice(name="bb", image=image) for name in of.services}
    return wanted_stack(of, images, Options(**options), new_id=lambda: next(ids))


@dataclass
class World:
    """Carries plans out on paper."""

    containers: dict[str, ContainerRecord] = field(default_factory=dict)
    networks: dict[str, NetworkState] = field(default_factory=dict)
    volumes: dict[str, ObservedVolume] = field(default_factory=dict)

    @property
    def observed(self) -> Observed:
        return Observed(
            containers=tuple(self.containers.values()),
            networks=tuple(self.networks.values()),
            volumes=tuple(self.volumes.values()),
        )

    def add(self, of: Wanted) -> "World":
        for spec in of.networks:
            self.networks[spec.name] = NetworkState(
                spec=spec, subnet="172.16.0.0/22", gateway="172.16.0.1", bridge="br0"
            )
        for volume in of.volumes:
            self.volumes[volume.name] = ObservedVolume(name=volume.name, project="shop")
        for each in of.services:
            for spec in each.specs:
                self.containers[spec.name] = running(spec)
        return self

    def put(self, name: str, **state: object) -> "World":
        record = self.containers[name]
        self.containers[name] = ContainerRecord(spec=record.spec, state=msgspec.structs.replace(record.state, **state))
        return self


def running(spec: ContainerSpec) -> ContainerRecord:
    health = "healthy" if spec.health else "none"
    return ContainerRecord(spec=spec, state=ContainerState(id=spec.id, status="running", health=health))


def up(of: Stack, world: World, image: Image = IMAGE, **options: object) -> Plan:
    return plan(wanted(of, image, **options), world.observed)


def text(of: Plan) -> str:
    return plan_text(of)


def golden(expected: str) -> str:
    return dedent(expected).lstrip("\n")


CHECK = Healthcheck(test=("CMD", "true"))
WEB_ON_DB = (
    service("web", depends_on=(Dependency(service="db", condition="service_healthy"),)),
    service("db", healthcheck=CHECK, mounts=(Mount(type="volume", source="data", target="/data"),)),
)
