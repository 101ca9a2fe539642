"""Plans in which volumes are made anew."""

import msgspec.structs

from compose.deciding.plan import plan
from compose.deciding.plan_volumes import changed_volumes
from compose.deciding.wanted import Wanted
from compose.model import Mount, Network, Volume, VolumesFrom
from compose.showing.plan_text import plan_text
from tests.unit.compose.planning import OTHER_IMAGE, World, golden, service, stack, up, wanted

MODULES = Mount(type="volume", source="", target="/app/node_modules")


def world_of(of: Wanted) -> World:
    """What `up` has made, with anonymous volumes known as such."""
    world = World().add(of)
    for name, volume in world.volumes.items():
        world.volumes[name] = msgspec.structs.replace(volume, anonymous=name != "shop_data")
    return world


def test_an_anonymous_volume_is_carried_over_to_the_container_that_comes_next() -> None:
    of = stack(service("web", mounts=(MODULES,)))
    newer = stack(service("web", mounts=(MODULES,), environment={"A": "1"}))
    keys = [step.key for step in up(newer, world_of(wanted(of))).steps]

    assert keys == [
        "stop container shop-web-1",
        "remove container shop-web-1",
        "create container shop-web-1",
        "start container shop-web-1",
    ]


def test_anonymous_volumes_are_made_anew_when_asked_with_those_who_mount_them() -> None:
    of = wanted(stack(service("web", mounts=(MODULES,)), service("db")), renew_anonymous_volumes=True)

    assert plan_text(plan(of, world_of(of).observed)) == golden(
        """
        Stack shop:
          stop    container  shop-web-1    --renew-anon-volumes
          remove  container  shop-web-1    --renew-anon-volumes
          remove  volume     99a54760d1e7  --renew-anon-volumes
          create  volume     99a54760d1e7  --renew-anon-volumes
          create  container  shop-web-1    --renew-anon-volumes
          start   container  shop-web-1    --renew-anon-volumes
        1 container to stop, 1 container to remove, 1 volume to remove, 1 volume to create, 1 container to create, """
        """1 container to start, 1 unchanged.
    """
    )


def test_named_volumes_are_never_made_anew() -> None:
    data = Mount(type="volume", source="data", target="/data")
    of = wanted(stack(service("db", mounts=(data,))), renew_anonymous_volumes=True)

    assert plan(of, world_of(of).observed).steps == ()


def test_a_volume_that_somebody_keeps_is_not_made_anew() -> None:
    web = service("web", mounts=(MODULES,))
    of = stack(web, service("copy", volumes_from=(VolumesFrom(service="web"),)))
    everything = wanted(of, renew_anonymous_volumes=True)
    world = world_of(everything)

    assert [step.key for step in up(of, world, services=("web",), renew_anonymous_volumes=True).steps] == []
    removal = next(step for step in plan(everything, world.observed).steps if step.key.startswith("remove volume"))
    assert set(removal.needs) == {"remove container shop-web-1", "remove container shop-copy-1"}


def test_a_renewed_volume_of_a_container_that_is_gone_loses_its_old_data() -> None:
    of = wanted(stack(service("web", mounts=(MODULES,))), renew_anonymous_volumes=True)
    world = world_of(of)
    world.containers.clear()
    keys = [step.key.split()[:2] for step in plan(of, world.observed).steps]

    assert keys[:3] == [["remove", "volume"], ["create", "volume"], ["create", "container"]]


DATA = Mount(type="volume", source="data", target="/data")


def test_a_volume_whose_definition_changed_is_made_anew_with_those_who_mount_it_if_its_data_is_given_up() -> None:
    labelled = {"data": Volume(key="data", name="shop_data", labels={"tier": "2"})}
    before, after = stack(service("db", mounts=(DATA,))), stack(service("db", mounts=(DATA,)), volumes=labelled)
    world = world_of(wanted(before))

    assert changed_volumes(after, after.services.values(), world.observed) == {"shop_data": "labels"}
    assert up(after, world).steps == ()
    assert up(after, world).warnings == (
        "volume shop_data was made with other labels; it is used as it is (`up -y` makes it anew, its data is lost)",
    )
    found = up(after, world, recreate_volumes=("shop_data",))
    assert found.warnings == ()
    assert [f"{step.key}: {step.cause}" for step in found.steps[:4]] == [
        "stop container shop-db-1: volume shop_data is made anew: its definition changed",
        "remove container shop-db-1: volume shop_data is made anew: its definition changed",
        "remove volume shop_data: its definition changed",
        "create volume shop_data: its definition changed",
    ]


def test_a_changed_volume_stays_while_others_use_it() -> None:
    labelled = {"data": Volume(key="data", name="shop_data", labels={"tier": "2"})}
    services = (service("db", mounts=(DATA,)), service("backup", mounts=(DATA,)))
    world = world_of(wanted(stack(*services)))
    found = up(stack(*services, volumes=labelled), world, services=("db",), recreate_volumes=("shop_data",))

    assert found.steps == ()
    assert len(found.warnings) == 1


def test_a_new_image_behind_an_anonymous_volume_of_the_file_is_told() -> None:
    of = stack(service("web", mounts=(MODULES,)))
    world = world_of(wanted(of))

    (warning,) = up(of, world, OTHER_IMAGE).warnings
    assert warning.startswith("shop-web-1 keeps its anonymous volume on /app/node_modules, which hides what its new")
    assert up(of, world, OTHER_IMAGE, renew_anonymous_volumes=True).warnings == ()


def test_a_network_with_other_labels_is_made_anew_and_its_hash_is_a_label() -> None:
    labelled = {"default": Network(key="default", name="shop_default", labels={"tier": "2"})}
    before, after = stack(service("web")), stack(service("web"), networks=labelled)
    found = up(after, World().add(wanted(before)))

    assert found.steps[0].cause == "network shop_default: labels.tier added: '2'"
    hashes = {wanted(each).networks[0].labels["com.docker.compose.config-hash"] for each in (before, after)}
    assert len(hashes) == 2
