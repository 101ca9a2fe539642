"""`windlass volumes`."""

import json
import sys
from typing import Annotated

from compose.cli.choices import one_of
from compose.cli.chosen import require_known
from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.observe import containers
from compose.tables import table
from engine.spec import VolumeMount
from engine.volumes import Volume, VolumeStore


def command(
    session: Session,
    services: Annotated[list[str] | None, Argument("Only what these services mount.")] = None,
    *,
    quiet: Annotated[bool, Option("--quiet", "-q", tells="Names only.")] = False,
    output: Annotated[str, Option("--format", tells="table or json (one object a line).")] = "table",
) -> None:
    """Lists the stack's volumes."""
    one_of("--format", output, ("table", "json"))
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
    elif output == "json":
        text = "".join(json.dumps(_values(volume), separators=(",", ":")) + "\n" for volume in found)
    else:
        text = table(("DRIVER", "VOLUME NAME"), [("local", volume.record.name) for volume in found])
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
