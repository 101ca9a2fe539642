"""Where everything lies on disk, computed from two roots that are passed in.

<run>/                       dies with the boot
  stacks/<stack>/            supervisor.{lock,sock,log,pid}, spawn.lock, command.lock, stack.json, events, events.1,
                             taken (output on its way to the logs)
    containers/<id>/         spec.json, state.json, stdout, stderr (FIFOs), etc/ (hosts, resolv.conf, hostname),
                             files/ (configs and secrets as the container sees them)
    contents/<sha256>        what configs and secrets contain
    networks/<name>/         network.json, leases/<address>
    pins/                    a private tmpfs: router (a network namespace), <id> (a process's exit record)
<data>/                      survives the boot
  images/                    see engine.images.store
  volumes/<name>/            volume.json, _data/
  containers/<id>/           upper/, work/, log, log.1 ...; with a limited size disk.img, disk/{upper,work}
  id-ranges/<first id>       one file per leased range of 65536 ids, holding the container's id
  configs/<name>             external configs, secrets/<name> external secrets: files that somebody put there
  enabled/<stack>.json       stacks that come back after a boot
  cache/                     what can be computed again
"""

from pathlib import Path
from typing import NamedTuple


class Layout(NamedTuple):
    """The two roots of an installation. Two installations with different roots never meet."""

    run: Path
    data: Path

    def stack(self, name: str) -> "StackLayout":
        """The places of one stack."""
        return StackLayout(self, name)

    @property
    def stacks(self) -> Path:
        return self.run / "stacks"

    @property
    def images(self) -> Path:
        return self.data / "images"

    @property
    def volumes(self) -> Path:
        return self.data / "volumes"

    @property
    def secrets(self) -> Path:
        return self.data / "secrets"

    @property
    def configs(self) -> Path:
        return self.data / "configs"

    @property
    def enabled(self) -> Path:
        return self.data / "enabled"

    @property
    def id_ranges(self) -> Path:
        return self.data / "id-ranges"

    @property
    def cache(self) -> Path:
        return self.data / "cache"

    def container_data(self, container_id: str) -> Path:
        """The container's writable layer and logs."""
        return self.containers / container_id

    @property
    def containers(self) -> Path:
        return self.data / "containers"


class StackLayout(NamedTuple):
    """The places of one stack."""

    roots: Layout
    name: str

    @property
    def token(self) -> str:
        """Eight characters, unique for (run root, stack), short enough for an interface's name with a suffix."""
        import hashlib  # noqa: PLC0415 - listing containers needs none of it, and it loads OpenSSL

        digest = hashlib.sha256(f"{self.roots.run}\0{self.name}".encode()).hexdigest()
        return digest[:8]

    @property
    def label(self) -> str:
        """What cgroups and firewall tables of the stack are called, after `windlass-` or under `windlass/`."""
        return f"{self.name}-{self.token}"

    @property
    def directory(self) -> Path:
        return self.roots.stacks / self.name

    @property
    def containers(self) -> Path:
        return self.directory / "containers"

    @property
    def networks(self) -> Path:
        return self.directory / "networks"

    @property
    def contents(self) -> Path:
        return self.directory / "contents"

    @property
    def pins(self) -> Path:
        return self.directory / "pins"

    @property
    def router_pin(self) -> Path:
        return self.pins / "router"

    @property
    def socket(self) -> Path:
        return self.directory / "supervisor.sock"

    @property
    def supervisor_lock(self) -> Path:
        return self.directory / "supervisor.lock"

    @property
    def supervisor_log(self) -> Path:
        return self.directory / "supervisor.log"

    @property
    def supervisor_pid(self) -> Path:
        return self.directory / "supervisor.pid"

    @property
    def spawn_lock(self) -> Path:
        return self.directory / "spawn.lock"

    @property
    def command_lock(self) -> Path:
        return self.directory / "command.lock"

    def container(self, container_id: str) -> Path:
        """The container's directory of run-time state."""
        return self.containers / container_id

    def data(self, container_id: str) -> Path:
        """The container's writable layer and logs, which survive the boot."""
        return self.roots.container_data(container_id)
