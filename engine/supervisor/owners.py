"""Finds the containers whose namespaces a container shares."""

from engine.errors import StartError
from engine.spec import ContainerSpec
from engine.supervisor.containers import Container
from engine.supervisor.site import Site

_PREFIX = "container:"


def running_owner(site: Site, spec: ContainerSpec, wish: str, what: str) -> Container | None:
    """The container that a wish of `spec.namespaces` names, None for another wish; StartError when it does not run."""
    if not wish.startswith(_PREFIX):
        return None
    name = wish.removeprefix(_PREFIX)
    for container in site.containers.values():
        if container.spec.name == name and container.running:
            return container
    raise StartError(
        f"{spec.name} cannot share the {what} of {name}, which does not run",
        stage=what,
        hint=f"start {name} first: its logs may say why it does not run",
    )
