"""Makes what a container has while it does not run, and removes it.

spec.json is written first and removed last, so that whatever lies in between is found after a crash at any point. Both
ways can be walked again from the start.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from engine.directories import make_private
from engine.disks import ensure_disk, layer_place, release_disk
from engine.errors import EngineError, RequestError, StateError
from engine.idranges import lease_range, release_range
from engine.namespaces import unpin
from engine.protocol import Failure
from engine.records import DAMAGED_SUFFIX, REMOVING_FILE, SPEC_FILE, read_spec, write_spec
from engine.signals import signal_number
from engine.spec import ContainerSpec
from engine.state import ContainerState
from engine.supervisor.containers import Container
from engine.supervisor.identity import identity_files
from engine.supervisor.logs import make_fifos
from engine.supervisor.removal import remove_in_slices
from engine.supervisor.site import Site
from net.errors import NetError

_KEEP_DATA = b"keep data"


def create(site: Site, spec: ContainerSpec) -> Container:
    """Records a container and makes what it needs. A failure leaves nothing; an equal one that exists is given back.

    Raises RequestError, or what a lease raises.
    """
    existing = site.containers.get(spec.id)
    if existing is not None:
        if existing.spec == spec and not existing.removing:
            return existing
        raise RequestError(f"there is another container with the id {spec.id[:12]}", hint="remove it first")
    for other in site.containers.values():
        if other.spec.name == spec.name:
            raise RequestError(
                f"the name {spec.name} is taken by the container {other.spec.id[:12]}", hint="remove it first"
            )
    try:
        signal_number(spec.stop_signal)
    except ValueError as error:  # a file's was checked when it was read, an image's was not
        hint = "name another one with stop_signal in the file"
        raise RequestError(f"container {spec.name} could never be stopped: {error}", hint=hint) from None
    write_spec(site.stack, spec)
    container = Container(spec, ContainerState(id=spec.id))
    try:
        complete(site, container)
    except (EngineError, NetError, OSError):
        for _ in _removal(site, spec.id, spec.cgroup_parent, keep_data=False):
            pass
        raise
    site.containers[spec.id] = container
    site.owners.update(spec.namespaces.owners)
    site.tell(container, "create")
    return container


def complete(site: Site, container: Container) -> None:
    """Makes what the container's spec asks for and is not there yet, then its first state."""
    spec = container.spec
    run, data = site.stack.container(spec.id), site.stack.data(spec.id)
    first_id = lease_range(site.stack.roots.id_ranges, spec.id)
    make_private(data)
    if spec.storage_bytes:
        ensure_disk(data, spec.storage_bytes)
    layer = layer_place(data, spec)
    for directory in (layer / "upper", layer / "work"):
        make_private(directory)
    upper = layer / "upper"
    upper.chmod(0o755)
    os.chown(upper, first_id, first_id)
    attachments = site.network.lease(spec.id, spec.endpoints)
    make_fifos(run)
    if spec.namespaces.own_network:
        gateway = site.network.host_gateway(spec)
        write_identity_files(run / "etc", identity_files(spec, attachments, site.network.search_domains(), gateway))
    else:  # they are another's, and copied when it is started
        write_identity_files(run / "etc", identity_files(spec, ()))
    container.change(
        first_id=first_id, attachments=attachments, created_ns=container.state.created_ns or site.clock_ns()
    )
    site.save(container)


def remove(site: Site, container: Container, *, keep_data: bool, answer: Callable[[Failure | None], None]) -> None:
    """Removes a container that does not run, a slice a turn; then answers None, or why it could not."""
    container.removed.append(answer)
    if container.removing:
        return
    container.removing = True
    container.cancel_restart()
    slices = _removal(site, container.spec.id, container.spec.cgroup_parent, keep_data=keep_data)

    def go_on() -> None:
        failure: Failure | None = None
        try:
            next(slices)
        except StopIteration:
            del site.containers[container.spec.id]
            container.gone = True
            site.tell(container, "remove")
        except (EngineError, NetError, OSError) as error:
            container.removing = False
            container.change(half_removed=True)
            failure = Failure(
                message=f"container {container.spec.name} cannot be removed: {error}",
                hint=error.hint if isinstance(error, EngineError | NetError) else "",
            )
        else:
            site.loop.call_later(0, go_on)
            return
        answers, container.removed = container.removed, []
        for tell in answers:
            tell(failure)

    go_on()


def finish_removal(site: Site, directory: Path) -> None:
    """Removes what a removal that was cut off left; `directory` is the container's in the run root."""
    keep_data = (directory / REMOVING_FILE).read_bytes() == _KEEP_DATA
    for _ in _removal(site, directory.name, _cgroup_parent(directory), keep_data=keep_data):
        pass


def release(site: Site, container_id: str, cgroup_parent: str = "") -> None:
    """Ends and gives back everything that a container of whom no more is known than its id may have in the kernel."""
    cgroup = site.cgroups.find(container_id, cgroup_parent)
    cgroup.kill()
    cgroup.remove()
    unpin(site.pin(container_id))
    site.network.release(container_id)


def end_unknown(site: Site, short_id: str) -> None:
    """Ends and removes a container that has control groups but no record; its id begins with `short_id`."""
    release(site, short_id)
    for data in tuple(site.stack.roots.containers.glob(f"{short_id}*")):
        unpin(site.pin(data.name))
        release_disk(data)
        for _ in remove_in_slices(data):
            pass
        release_range(site.stack.roots.id_ranges, data.name)


def forget_damaged(site: Site) -> None:
    """Removes what is left of containers whose records could not be read."""
    if site.stack.containers.exists():
        for directory in site.stack.containers.glob(f"*{DAMAGED_SUFFIX}"):
            container_id = directory.name.removesuffix(DAMAGED_SUFFIX)
            release_disk(site.stack.data(container_id))
            for _ in remove_in_slices(site.stack.data(container_id)):
                pass
            release_range(site.stack.roots.id_ranges, container_id)


def _removal(site: Site, container_id: str, cgroup_parent: str, *, keep_data: bool) -> Iterator[None]:
    run = site.stack.container(container_id)
    make_private(run)  # somebody may have removed it: whatever else there is still needs its tombstone
    (run / REMOVING_FILE).write_bytes(_KEEP_DATA if keep_data else b"")
    release(site, container_id, cgroup_parent)
    if not keep_data:
        release_disk(site.stack.data(container_id))
        yield from remove_in_slices(site.stack.data(container_id))
    release_range(site.stack.roots.id_ranges, container_id)
    for entry in tuple(run.iterdir()):
        if entry.is_dir():
            yield from remove_in_slices(entry)
        elif entry.name not in {SPEC_FILE, REMOVING_FILE}:
            entry.unlink()
    (run / SPEC_FILE).unlink(missing_ok=True)
    (run / REMOVING_FILE).unlink()
    run.rmdir()


def _cgroup_parent(directory: Path) -> str:
    """What the record of a container that is being removed says, as long as it is there."""
    try:
        spec = read_spec(directory)
    except StateError:
        return ""
    return "" if spec is None else spec.cgroup_parent


def write_identity_files(directory: Path, contents: Mapping[str, str]) -> None:
    """Writes the files by which a container knows itself."""
    directory.mkdir(mode=0o755, exist_ok=True)
    for name, text in contents.items():
        path = directory / name
        path.write_text(text)
        path.chmod(0o644)
