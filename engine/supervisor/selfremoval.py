"""Removes containers that are to go once they have ended, one-off ones with volumes that nobody has a name for."""

from engine.protocol import Failure
from engine.spec import VolumeMount
from engine.supervisor.containers import Container
from engine.supervisor.creating import remove
from engine.supervisor.site import Site
from engine.volumes import ANONYMOUS


def remove_soon(site: Site, container: Container) -> None:
    """Removes a container that has ended, once those who wait for its end were answered."""
    site.loop.call_later(0, lambda: _remove(site, container))


def _remove(site: Site, container: Container) -> None:
    if container.removing or container.running:
        return

    def tell(failure: Failure | None) -> None:
        if failure is not None:
            site.report(failure.message)
        elif container.spec.remove_at_end:
            _remove_volumes(site, container)

    remove(site, container, keep_data=False, answer=tell)


def _remove_volumes(site: Site, container: Container) -> None:
    used = {name for other in site.containers.values() for name in _volumes(other)}
    for name in _volumes(container):
        volume = site.volumes.find(name)
        if name not in used and volume is not None and ANONYMOUS in volume.record.labels:
            site.volumes.remove(name)


def _volumes(container: Container) -> list[str]:
    return [mount.volume for mount in container.spec.mounts if isinstance(mount, VolumeMount)]
