"""Which names a container finds."""

from engine.spec import ContainerSpec, Process
from engine.state import ContainerRecord, ContainerState
from engine.supervisor.zones import zone_of
from net.names import Zone
from net.spec import Attachment, Endpoint, NetworkSpec, NetworkState

NETWORKS = {
    name: NetworkState(spec=NetworkSpec(name=name, internal=internal), subnet=subnet, gateway="", bridge="br0")
    for name, subnet, internal in (("front", "10.0.0.0/24", False), ("back", "10.0.1.0/24", True))
}


def record(
    service: str,
    *addresses: str,
    number: int = 1,
    aliases: tuple[str, ...] = (),
    links: tuple[tuple[str, str], ...] = (),
) -> ContainerRecord:
    networks = ["front" if address.startswith("10.0.0.") else "back" for address in addresses]
    container_id = f"{service}{number}".encode().hex().ljust(64, "0")
    spec = ContainerSpec(
        id=container_id,
        name=f"shop-{service}-{number}",
        stack="shop",
        service=service,
        number=number,
        image_id="",
        image_name="",
        layers=(),
        process=Process(argv=("x",)),
        hostname=f"{service.upper()}{number}",
        config_hash="",
        endpoints=tuple(Endpoint(network=network, aliases=aliases) for network in networks),
        links=links,
    )
    attachments = tuple(
        Attachment(network=network, address=address, prefix_length=24, gateway="", interface="eth0", mac_address="")
        for network, address in zip(networks, addresses, strict=True)
    )
    return ContainerRecord(spec=spec, state=ContainerState(id=container_id, status="running", attachments=attachments))


def test_a_container_goes_by_service_name_id_hostname_and_aliases() -> None:
    db = record("db", "10.0.0.2", aliases=("Database",))
    assert zone_of(db, [db], NETWORKS) == Zone(
        addresses=dict.fromkeys(("db", "db.shop", "shop-db-1", "646231000000", "db1", "database"), ("10.0.0.2",)),
        names={"10.0.0.2": "shop-db-1"},
        subnets=("10.0.0.0/24", "10.0.1.0/24"),
        forwards=True,
    )


def test_a_service_stands_for_all_its_replicas_in_the_order_of_their_numbers() -> None:
    second, first = record("web", "10.0.0.9", number=2), record("web", "10.0.0.3", number=1)
    zone = zone_of(first, [second, first], NETWORKS)
    assert zone.addresses["web"] == ("10.0.0.3", "10.0.0.9")
    assert zone.addresses["shop-web-2"] == ("10.0.0.9",)


def test_only_shared_networks_count() -> None:
    web, db = record("web", "10.0.0.2"), record("db", "10.0.1.2")
    proxy = record("proxy", "10.0.0.3", "10.0.1.3")
    everybody = [web, db, proxy]
    assert "db" not in zone_of(web, everybody, NETWORKS).addresses
    assert zone_of(web, everybody, NETWORKS).addresses["proxy"] == ("10.0.0.3",)
    assert zone_of(proxy, everybody, NETWORKS).addresses["db"] == ("10.0.1.2",)


def test_a_container_on_internal_networks_alone_asks_nobody_outside() -> None:
    assert not zone_of(record("db", "10.0.1.2"), [], NETWORKS).forwards
    assert zone_of(record("proxy", "10.0.0.3", "10.0.1.3"), [], NETWORKS).forwards


def test_a_link_is_another_name_of_a_service_that_runs() -> None:
    web = record("web", "10.0.0.2", links=(("mysql", "db"), ("cache", "redis")))
    zone = zone_of(web, [web, record("db", "10.0.0.5")], NETWORKS)
    assert zone.addresses["mysql"] == ("10.0.0.5",)
    assert "cache" not in zone.addresses
