"""Every record on disk, cut short, emptied, of another version or with flipped bits: never a crash, never another's."""

import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compose.doing.enabled import Enabled, recall, remember
from engine.errors import StateError, VolumeError
from engine.eventlog import EventReader, EventWriter
from engine.idranges import lease_range, release_range
from engine.images.model import ImageConfig, Origin
from engine.images.store import ImageStore
from engine.layout import Layout
from engine.locks import command_lock
from engine.logreader import read
from engine.logstore import LogWriter
from engine.protocol import Event
from engine.records import read_records, write_spec, write_state
from engine.spec import ContainerSpec, Process
from engine.state import ContainerState
from engine.volumes import VolumeStore
from net.networks import NetworkRecords, read_states
from net.publishing import Publications
from net.spec import Endpoint, NetworkSpec, NetworkState, PublishedPort

ID, OTHER_ID = "ab" * 32, "cd" * 32
SPEC = ContainerSpec(
    id=ID,
    name="shop-web-1",
    stack="shop",
    service="web",
    number=1,
    image_id="sha256:0",
    image_name="x",
    layers=(),
    process=Process(argv=("true",), environment={"GREETING": "ahoy"}),
    hostname="web",
    config_hash="",
    endpoints=(Endpoint(network="shop_default", aliases=("www",)),),
)
NETWORK = NetworkState(
    spec=NetworkSpec(name="shop_default", reserved=("10.9.0.77",)),
    subnet="10.9.0.0/24",
    gateway="10.9.0.1",
    bridge="br0",
)
FROM_THE_FUTURE = b'{"version":{"of":"tomorrow"},"id":7,"name":[],"spec":{"name":1},"status":"dreaming"}'


@st.composite
def damages(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """What may become of a file's content."""
    kind = draw(st.sampled_from(["flip", "flip", "flip", "cut", "empty", "future", "zeros", "noise"]))
    place, bit = draw(st.floats(0, 1, exclude_max=True)), draw(st.integers(0, 7))
    noise = draw(st.binary(max_size=40))

    def flip(content: bytes) -> bytes:
        changed = bytearray(content)
        if changed:
            changed[int(place * len(changed))] ^= 1 << bit
        return bytes(changed)

    return {
        "flip": flip,
        "cut": lambda content: content[: int(place * len(content))],
        "empty": lambda _content: b"",
        "future": lambda _content: FROM_THE_FUTURE,
        "zeros": lambda content: bytes(len(content)),
        "noise": lambda _content: noise,
    }[kind]


class Place:
    """An installation with one of every record."""

    def __init__(self, base: Path) -> None:
        self.layout = Layout(run=base / "run", data=base / "data")
        self.stack = self.layout.stack("shop")


def containers(place: Place) -> Path:
    write_spec(place.stack, SPEC)
    write_spec(place.stack, msgspec.structs.replace(SPEC, id=OTHER_ID, name="shop-db-1"))
    write_state(place.stack, ContainerState(id=ID, status="exited", exit_code=3))
    return place.stack.container(ID)


def read_containers(place: Place) -> None:
    records = read_records(place.stack)
    assert [record.spec.id for record in records if record.spec.id != ID] == [OTHER_ID]
    assert all(record.spec.id == record.state.id for record in records)


def networks(place: Place) -> Path:
    records = NetworkRecords(place.stack.networks)
    records.write(
        msgspec.structs.replace(NETWORK, spec=NetworkSpec(name="shop_other"), subnet="10.8.0.0/24", gateway="10.8.0.1")
    )
    return records.write(NETWORK).lease(ID, SPEC.endpoints[0], "eth0") and place.stack.networks / "shop_default"


def read_networks(place: Place) -> None:
    assert "shop_other" in {state.spec.name for state in read_states(place.stack.networks)}
    found = NetworkRecords(place.stack.networks).read()
    assert "shop_other" in found
    assert all((place.stack.networks / name).is_dir() for name in found)
    for network in found.values():
        network.lease(OTHER_ID, Endpoint(network=network.name), "eth0")
        network.release(OTHER_ID)


def publications(place: Place) -> Path:
    directory = place.stack.networks / ".published"
    directory.mkdir(parents=True)
    held = Publications(directory, place.layout.stacks)
    held.add(ID, "shop-web-1", ("10.9.0.2", ""), (PublishedPort(host_ip="127.0.0.1", container_port=80),))
    held.close()
    return directory


def read_publications(place: Place) -> None:
    found = Publications(place.stack.networks / ".published", place.layout.stacks)
    assert found.containers <= {ID}
    found.rules()
    found.close()


def volumes(place: Place) -> Path:
    store = VolumeStore(place.layout.volumes)
    store.ensure("shop_other")
    return store.ensure("shop_data", labels={"a": "b"}, project="shop").directory / "volume.json"


def read_volumes(place: Place) -> None:
    store = VolumeStore(place.layout.volumes)
    assert "shop_other" in {volume.record.name for volume in store.list()}
    assert all(volume.directory.name == volume.record.name for volume in store.list())
    with suppress(VolumeError):
        store.ensure("shop_data")


def enabled(place: Place) -> Path:
    remember(place.layout, Enabled(name="shop", directory="/srv/shop"))
    return place.layout.enabled


def read_enabled(place: Place) -> None:
    with suppress(StateError):
        recall(place.layout)


def events(place: Place) -> Path:
    place.stack.directory.mkdir(parents=True)
    writer = EventWriter(place.stack.directory)
    for number in range(3):
        writer.write(Event(time_ns=number, action="start", container_id=ID, container_name="shop-web-1", service="web"))
    writer.close()
    return place.stack.directory


def read_events(place: Place) -> None:
    reader = EventReader(place.stack.directory)
    assert len(reader.history()) <= 3
    reader.close()


def logs(place: Place) -> Path:
    place.stack.data(ID).mkdir(parents=True)
    writer = LogWriter(place.stack.data(ID))
    writer.write("stdout", b"one\ntwo\n", 1)
    writer.write("stderr", b"three\n", 2)
    writer.close()
    return place.stack.data(ID)


def read_logs(place: Place) -> None:
    list(read(place.stack.data(ID)))
    list(read(place.stack.data(ID), tail=2))
    writer = LogWriter(place.stack.data(ID))
    writer.write("stdout", b"and on\n", 3)
    writer.close()
    assert [line.text for line in read(place.stack.data(ID), tail=1)] == [b"and on"]


def images(place: Place) -> Path:
    store = ImageStore(place.layout.images, place.layout.cache)
    with store.workspace() as workspace:
        (workspace / "tree").mkdir()
        layer = store.add_layer(workspace / "tree")
    image = store.add_image(ImageConfig(), (layer,), created_ns=1, architecture="amd64")
    store.tag("localhost/x:1", image, Origin(digest=layer, checked_ns=1))
    return place.layout.images


def read_images(place: Place) -> None:
    store = ImageStore(place.layout.images, place.layout.cache)
    store.list()
    store.find("localhost/x:1")
    store.origin("localhost/x:1")
    store.catalogue()


def locks(place: Place) -> Path:
    place.stack.directory.mkdir(parents=True)
    place.stack.command_lock.write_text("1 2 windlass up\n")
    return place.stack.command_lock


def read_locks(place: Place) -> None:
    taken = command_lock(place.stack, "windlass up")
    with taken, pytest.raises(StateError), command_lock(place.stack, "windlass down", wait=False):
        pass


def ranges(place: Place) -> Path:
    lease_range(place.layout.id_ranges, ID)
    return place.layout.id_ranges


def read_ranges(place: Place) -> None:
    assert lease_range(place.layout.id_ranges, OTHER_ID) != lease_range(place.layout.id_ranges, ID)
    release_range(place.layout.id_ranges, OTHER_ID)


RECORDS = {
    "containers": (containers, read_containers),
    "networks": (networks, read_networks),
    "published ports": (publications, read_publications),
    "volumes": (volumes, read_volumes),
    "enabled stacks": (enabled, read_enabled),
    "events": (events, read_events),
    "logs": (logs, read_logs),
    "images": (images, read_images),
    "locks": (locks, read_locks),
    "id ranges": (ranges, read_ranges),
}


@pytest.mark.parametrize("kind", RECORDS)
@settings(max_examples=settings.default.max_examples // 5)
@given(damage=damages(), choice=st.floats(0, 1, exclude_max=True))
def test_whatever_a_record_became_it_costs_no_more_than_itself(
    kind: str, damage: Callable[[bytes], bytes], choice: float
) -> None:
    make, look = RECORDS[kind]
    with tempfile.TemporaryDirectory() as base:
        place = Place(Path(base))
        made = make(place)
        files = [made] if made.is_file() else sorted(path for path in made.rglob("*") if path.is_file())
        if files:
            victim = files[int(choice * len(files))]
            victim.write_bytes(damage(victim.read_bytes()))
        look(place)
        look(place)
