"""Finds what somebody took from, or did to, a running container, which it goes on without."""

from pathlib import Path

from engine.disks import layer_place
from engine.supervisor.containers import Container
from engine.supervisor.site import Site

_ANEW = "`windlass up --force-recreate` makes it anew"


def troubles(site: Site, container: Container) -> tuple[str, ...]:
    """What is wrong, in words that name the way out; empty for a container that does not run."""
    if not container.running or container.launching:
        return ()
    run = site.stack.container(container.spec.id)
    layer = layer_place(site.stack.data(container.spec.id), container.spec)
    found = [f"it does not end: {container.state.unkillable}"] if container.state.unkillable else []
    found += [
        f"its {name} was removed: {consequence}"
        for name, path, consequence in (
            ("output's FIFO", run / "stdout", f"its output is lost once its supervisor is replaced; {_ANEW}"),
            ("errors' FIFO", run / "stderr", f"its errors are lost once its supervisor is replaced; {_ANEW}"),
            ("writable layer", layer / "upper", f"what it writes is lost; {_ANEW}"),
        )
        if not path.exists()
    ]
    cgroup = site.cgroups.find(container.spec.id, container.spec.cgroup_parent)
    if cgroup.unified is not None:
        found += _of_group(Path(cgroup.unified), paused=container.state.paused)
    if cgroup.refused_forks() > 0:
        found.append("it has reached its limit of processes: more fail to start; `pids_limit` in the file sets it")
    return tuple(found)


def _of_group(directory: Path, *, paused: bool) -> list[str]:
    try:
        events = (directory / "cgroup.events").read_text()
    except OSError:
        return [f"its control group {directory} was removed: no limit holds; `windlass restart` makes it anew"]
    if "populated 0" in events:
        return [f"its processes were moved out of {directory}: no limit holds; `windlass restart` puts them back"]
    if "frozen 1" in events and not paused:
        return [f"somebody froze it: echo 0 >{directory}/cgroup.freeze lets it go on"]
    return []
