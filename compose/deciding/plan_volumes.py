"""What has to be done so that the volumes are there: new ones made, anonymous ones made anew if that is asked for."""

from collections.abc import Iterable

from compose import naming
from compose.deciding.observed import Observed, ObservedVolume
from compose.deciding.steps import CreateVolume, Draft, RemoveVolume
from compose.deciding.wanted import Wanted, WantedVolume
from compose.errors import StackError
from engine.spec import VolumeMount
from engine.state import ContainerRecord


def plan_volumes(draft: Draft, wanted: Wanted, observed: Observed) -> tuple[str, ...]:
    """Adds what volumes need; gives warnings about those that are not as the file says.

    StackError when an external one is missing.
    """
    warnings: list[str] = []
    existing = {volume.name: volume for volume in observed.volumes}
    for volume in wanted.volumes:
        found = existing.get(volume.name)
        if found is None and volume.external:
            raise StackError(
                f"external volume {volume.name} does not exist",
                hint="make it first, or remove 'external: true' so that the stack makes it",
            )
        if found is None:
            draft.add(_creation(volume), volume.cause)
        elif not volume.external and found.project != wanted.stack:
            whose = f"stack {found.project}" if found.project else "no stack"
            warnings.append(f"volume {volume.name} was made for {whose}; it is used as it is")
        elif not volume.external and (words := _changed(volume, found)):
            warnings.append(f"volume {volume.name} was made with other {words}; it is used as it is")
    return tuple(warnings)


def renewable_volumes(wanted: Wanted, observed: Observed) -> frozenset[str]:
    """The anonymous volumes that --renew-anon-volumes makes anew: those that only containers to be replaced mount."""
    options = wanted.options
    if not options.renew_anonymous_volumes or options.no_recreate:
        return frozenset()
    named = options.services or tuple(service.name for service in wanted.services)
    anonymous = {volume.name for volume in observed.volumes if volume.anonymous and volume.project == wanted.stack}
    of_others = {
        mount for record in observed.containers if record.spec.service not in named for mount in _mounted(record)
    }
    return frozenset(anonymous - of_others)


def renews(record: ContainerRecord, renewable: frozenset[str]) -> bool:
    """Whether a container has to be replaced because a volume of its own is made anew."""
    return any(name in renewable for name in _mounted(record))


def plan_renewals(draft: Draft, wanted: Wanted, observed: Observed, renewable: frozenset[str]) -> None:
    """Adds the removal of volumes and, for those that are mounted again, their creation.

    Comes after the plans of all services: only what no container keeps is made anew.
    """
    volumes = {volume.name: volume for volume in wanted.volumes}
    for name in sorted(renewable & volumes.keys()):
        users = [record for record in observed.containers if name in _mounted(record)]
        removals = tuple(f"remove container {record.spec.name}" for record in users)
        if not users or all(removal in draft for removal in removals):
            cause = "--renew-anon-volumes"
            removal = draft.add(RemoveVolume(name=name), cause, needs=removals)
            draft.add(_creation(volumes[name]), cause, needs=(removal,))


def _creation(volume: WantedVolume) -> CreateVolume:
    return CreateVolume(name=volume.name, labels=volume.labels, options=volume.options)


def _mounted(record: ContainerRecord) -> Iterable[str]:
    return (mount.volume for mount in record.spec.mounts if isinstance(mount, VolumeMount))


def _changed(wanted: WantedVolume, found: ObservedVolume) -> str:
    """In what a volume differs from its definition, apart from what windlass says of it itself."""
    own = {key: value for key, value in wanted.labels.items() if not naming.is_ours(key)}
    words = ("labels",) * (own != found.labels) + ("options",) * (wanted.options != found.options)
    return " and ".join(words)
