"""Keeps containers that share a namespace in step with the one whose it is."""

from functools import partial

from engine.protocol import Failure
from engine.state import ContainerRecord
from engine.supervisor.containers import Container
from engine.supervisor.site import Site
from engine.supervisor.starting import start
from engine.supervisor.stopping import stop


def follow(site: Site, owner: Container) -> None:
    """Starts those anew that share a namespace of a container that was started: the one they are in is nobody's now."""
    for container in tuple(site.containers.values()):
        if container.running and container.began < owner.began and owner.spec.name in container.spec.namespaces.owners:
            stop(site, container, None, partial(_start_again, site, container))


def _start_again(site: Site, container: Container, _stopped: ContainerRecord | Failure) -> None:
    start(site, container, lambda _reply: None)
