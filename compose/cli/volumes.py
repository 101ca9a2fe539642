"""`windlass volumes`."""

import sys
from typing import Annotated

from compose.cli.chosen import require_known
from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.doing.observe import containers
from compose.showing.formats import Row, Shape, listed, require_format
from engine.spec import VolumeMount
from engine.volumes import Volume, VolumeStore

VOLUMES = Shape(
    columns=("Driver", "Name"),
    headers={
        "Availability": "AVAILABILITY",
        "Driver": "DRIVER",
        "Group": "GROUP",
        "Labels": "LABELS",
        "Links": "LINKS",
        "Mountpoint": "MOUNTPOINT",
        "Name": "VOLUME NAME",
        "Scope": "SCOPE",
        "Size": "SIZE",
        "Status": "STATUS",
    },
)


def command(
    session: Session,
    services: Annotated[list[str] | None, Argument("Only what these services mount.")] = None,
    *,
    quiet: Annotated[bool, Option("--quiet", "-q", tells="Names only.")] = False,
    output: Annotated[str, Option("--format", tells="table, json (one object a line), or a template.")] = "table",
) -> None:
    """Lists the stack's volumes."""
    require_format(output)
    session.require_root()
    place = session.stack_layout()
    records = containers(place)
    require_known(session, {record.spec.service for record in records}, services or ())
    mounted = {
        mount.volume
        for record in records
        if not services or record.spec.service in services
        for mount in record.spec.mounts
        if isinstance(mount, VolumeMount)
    }
    found = [
        volume
        for volume in VolumeStore(session.layout.volumes).list()
        if volume.record.name in mounted or (not services and volume.record.project == place.name)
    ]
    if quiet:
        text = "".join(f"{volume.record.name}\n" for volume in found)
    else:
        text = listed([Row(_values(volume), volume.record.labels) for volume in found], output, VOLUMES)
    sys.stdout.write(text)


def _values(volume: Volume) -> dict[str, str]:
    """A volume with the keys that Compose prints."""
    labels = ",".join(f"{key}={value}" for key, value in sorted(volume.record.labels.items()))
    return {
        "Availability": "N/A",
        "Driver": "local",
        "Group": "N/A",
        "Labels": labels,
        "Links": "N/A",
        "Mountpoint": str(volume.data),
        "Name": volume.record.name,
        "Scope": "local",
        "Size": "N/A",
        "Status": "N/A",
    }
