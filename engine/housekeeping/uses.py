"""Which images the containers of an installation need."""

from collections.abc import Iterable
from typing import NamedTuple

from engine.layout import Layout
from engine.records import read_records
from engine.spec import ContainerSpec, ImageMount
from engine.state import ALIVE, ContainerRecord


class Use(NamedTuple):
    """One image that a container needs: its own, one that it mounts, or those of the version it may go back to."""

    image_id: str
    image_name: str
    layers: tuple[str, ...]
    stack: str
    container: str
    alive: bool
    former: bool = False


def uses(layout: Layout) -> tuple[Use, ...]:
    """What every container of every stack needs, whether it runs or not."""
    try:
        stacks = sorted(layout.stacks.iterdir())
    except FileNotFoundError:
        return ()
    return uses_of(record for stack in stacks for record in read_records(layout.stack(stack.name)))


def uses_of(records: Iterable[ContainerRecord]) -> tuple[Use, ...]:
    """What these containers need."""
    found: list[Use] = []
    for record in records:
        found += _of_spec(record.spec, record, former=False)
        if record.spec.previous is not None:
            found += _of_spec(record.spec.previous, record, former=True)
    return tuple(found)


def _of_spec(spec: ContainerSpec, record: ContainerRecord, *, former: bool) -> list[Use]:
    stack, container, alive = record.spec.stack, record.spec.name, record.state.status in ALIVE
    own = Use(spec.image_id, spec.image_name, spec.layers, stack, container, alive, former)
    mounted = [mount for mount in spec.mounts if isinstance(mount, ImageMount)]
    hooks = [hook for hook in spec.pre_start if hook.layers]
    return [
        own,
        *(Use(mount.image_id, "", mount.layers, stack, container, alive, former) for mount in mounted),
        *(Use(hook.image_id, hook.image_name, hook.layers, stack, container, alive, former) for hook in hooks),
    ]
