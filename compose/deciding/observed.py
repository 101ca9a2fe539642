"""What there is of a stack before a plan is made."""

import msgspec

from engine.state import ContainerRecord
from net.spec import NetworkState


class ObservedVolume(msgspec.Struct, frozen=True, kw_only=True):
    """A volume that exists; `project` is the stack that it was made for, empty for none.

    An `anonymous` one has no name in any file. `labels` are those of the file, `options` the local driver's.
    """

    name: str
    project: str = ""
    anonymous: bool = False
    labels: dict[str, str] = {}
    options: dict[str, str] = {}


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """The containers and networks of one stack, and all volumes."""

    containers: tuple[ContainerRecord, ...] = ()
    networks: tuple[NetworkState, ...] = ()
    volumes: tuple[ObservedVolume, ...] = ()
