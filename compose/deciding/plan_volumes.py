"""What has to be done so that the volumes are there: new ones made, anonymous ones made anew if that is asked for."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from compose import naming
from compose.deciding.fingerprint import files_labels
from compose.deciding.observed import Observed, ObservedVolume
from compose.deciding.steps import CreateContainer, CreateVolume, Draft, Plan, RemoveVolume
from compose.deciding.wanted import Wanted, WantedVolume, named_volume
from compose.errors import StackError
from compose.model import Service, Stack
from engine.spec import VolumeMount
from engine.state import ContainerRecord


def plan_volumes(draft: Draft, wanted: Wanted, observed: Observed, renewable: Mapping[str, str]) -> tuple[str, ...]:
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
        elif not volume.external and volume.name not in renewable and (words := _changed(volume, found)):
            told = f"volume {volume.name} was made with other {words}; it is used as it is"
            warnings.append(f"{told} (`up -y` makes it anew, its data is lost)")
    return tuple(warnings)


def changed_volumes(stack: Stack, services: Iterable[Service], observed: Observed) -> dict[str, str]:
    """The stack's named volumes that were made otherwise than the file says, with in what they differ."""
    existing = {volume.name: volume for volume in observed.volumes if volume.project == stack.name}
    mounted = {mount.source for service in services for mount in service.mounts if mount.type == "volume"}
    return {
        volume.name: words
        for volume in (named_volume(stack, key) for key in stack.volumes if key in mounted)
        if volume.name in existing and not volume.external
        for words in (_changed(volume, existing[volume.name]),)
        if words
    }


def renewable_volumes(wanted: Wanted, observed: Observed) -> dict[str, str]:
    """The volumes that are made anew, with the reason: those that only containers to be replaced mount.

    They are anonymous ones (--renew-anon-volumes), and changed ones whose data somebody gave up.
    """
    options = wanted.options
    if options.no_recreate:
        return {}
    found = {}
    everybody = tuple(service.name for service in wanted.services)
    if options.renew_anonymous_volumes:
        anonymous = {volume.name for volume in observed.volumes if volume.anonymous and volume.project == wanted.stack}
        kept = _mounted_by_others(observed, options.services or everybody)
        found = dict.fromkeys(anonymous - kept, "--renew-anon-volumes")
    kept = _mounted_by_others(observed, everybody) if options.recreate_volumes else set()
    found |= {name: "its definition changed" for name in options.recreate_volumes if name not in kept}
    return found


def renews(record: ContainerRecord, renewable: Mapping[str, str]) -> str:
    """Why a container has to be replaced with a volume of its own that is made anew; empty if it has not."""
    for name in _mounted(record):
        if name in renewable:
            anonymous = naming.is_anonymous_volume_name(name)
            return renewable[name] if anonymous else f"volume {name} is made anew: {renewable[name]}"
    return ""


def _mounted_by_others(observed: Observed, services: Collection[str]) -> set[str]:
    return {
        mount for record in observed.containers if record.spec.service not in services for mount in _mounted(record)
    }


def plan_renewals(draft: Draft, wanted: Wanted, observed: Observed, renewable: Mapping[str, str]) -> None:
    """Adds the removal of volumes and, for those that are mounted again, their creation.

    Comes after the plans of all services: only what no container keeps is made anew.
    """
    volumes = {volume.name: volume for volume in wanted.volumes}
    for name in sorted(renewable & volumes.keys()):
        users = [record for record in observed.containers if name in _mounted(record)]
        removals = tuple(f"remove container {record.spec.name}" for record in users)
        if not users or all(removal in draft for removal in removals):
            cause = renewable[name]
            removal = draft.add(RemoveVolume(name=name), cause, needs=removals)
            draft.add(_creation(volumes[name]), cause, needs=(removal,))


def masked(found: Plan, wanted: Wanted, observed: Observed) -> Iterator[str]:
    """A warning for each anonymous volume of a file that goes on hiding what a changed image has in its place."""
    before = {record.spec.name: record.spec for record in observed.containers}
    renewed = {step.action.name for step in found.steps if isinstance(step.action, RemoveVolume)}
    images = {service.name: service.image.image for service in wanted.services}
    for step in found.steps:
        spec = step.action.spec if isinstance(step.action, CreateContainer) else None
        image = images.get(spec.service) if spec else None
        if spec is None or image is None or before.get(spec.name, spec).image_id in {spec.image_id, ""}:
            continue
        for mount in spec.mounts:
            if not isinstance(mount, VolumeMount) or not naming.is_anonymous_volume_name(mount.volume):
                continue
            if mount.volume not in renewed and mount.target not in image.config.volumes:
                kept = f"{spec.name} keeps its anonymous volume on {mount.target}"
                yield f"{kept}, which hides what its new image has there; --renew-anon-volumes makes it anew"


def _creation(volume: WantedVolume) -> CreateVolume:
    return CreateVolume(name=volume.name, labels=volume.labels, options=volume.options)


def _mounted(record: ContainerRecord) -> Iterable[str]:
    return (mount.volume for mount in record.spec.mounts if isinstance(mount, VolumeMount))


def _changed(wanted: WantedVolume, found: ObservedVolume) -> str:
    """In what a volume differs from its definition, apart from what windlass says of it itself."""
    words = ("labels",) * (files_labels(wanted.labels) != found.labels) + ("options",) * (
        wanted.options != found.options
    )
    return " and ".join(words)
