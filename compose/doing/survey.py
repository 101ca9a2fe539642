"""Looks at everything that there is of a stack, and changes nothing."""

from compose import naming
from compose.deciding.observed import Observed, ObservedVolume
from compose.doing.observe import containers
from engine.layout import StackLayout
from engine.volumes import VolumeStore
from net.networks import read_states


def observe(stack: StackLayout) -> Observed:
    """Everything of the stack that can be seen without asking a supervisor."""
    return Observed(containers=containers(stack), networks=read_states(stack.networks), volumes=volumes(stack))


def volumes(stack: StackLayout) -> tuple[ObservedVolume, ...]:
    """All volumes of the installation."""
    return tuple(
        ObservedVolume(
            name=volume.record.name,
            project=volume.record.project or volume.record.labels.get(naming.PROJECT, ""),
            anonymous=naming.ANONYMOUS_VOLUME in volume.record.labels,
            labels={key: value for key, value in volume.record.labels.items() if not naming.is_ours(key)},
            options=volume.record.options,
        )
        for volume in VolumeStore(stack.roots.volumes).list()
    )
