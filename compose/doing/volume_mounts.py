"""Mounts what the options of volumes name before containers use them, lets go of it when a stack is gone."""

from compose.deciding.steps import CreateContainer, Plan
from engine.layout import Layout, StackLayout
from engine.records import read_records
from engine.spec import VolumeMount
from engine.volumes import VolumeStore


def attach_volumes(layout: Layout, plan: Plan) -> None:
    """Mounts, for the containers that a plan makes, what was let go of by `down` or by the end of a boot."""
    store = VolumeStore(layout.volumes)
    names = {
        mount.volume
        for step in plan.steps
        if isinstance(step.action, CreateContainer)
        for mount in step.action.spec.mounts
        if isinstance(mount, VolumeMount)
    }
    for name in sorted(names):
        volume = store.find(name)
        if volume is not None and volume.record.options:
            from engine.volumemounts import attach  # noqa: PLC0415 - few volumes have options

            attach(volume)


def detach_volumes(place: StackLayout) -> None:
    """Lets go of what is mounted for the stack's volumes, once it has no container any more."""
    if read_records(place):
        return
    for volume in VolumeStore(place.roots.volumes).list():
        if volume.record.options and volume.record.project == place.name:
            from engine.volumemounts import detach  # noqa: PLC0415 - few volumes have options

            detach(volume)
