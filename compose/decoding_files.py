"""Decodes what a service has for files: mounts, volumes."""

from collections.abc import Iterator, Mapping
from typing import Any

from compose import codes
from compose.decoding_grants import grants
from compose.findings import Findings
from compose.model import Mount, Volume
from compose.mounts import tmpfs_target
from compose.nodes import Node
from compose.values import NOTHING, flag, number, text, texts

_RELATIVE = "begin it with /; a source before it is ./path, or a volume that stands below the file's `volumes:`"


class FilesDecoder:
    """Decodes volumes, and those settings of services that are about files."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._refuse = findings.refuse

    def settings(self, fields: Mapping[str, Node], path: str) -> dict[str, Any]:
        """Values for the fields of a `Service`."""
        return {
            "mounts": tuple(self._mounts(fields, path)),
            "configs": tuple(grants("configs", fields, path, self._findings)),
            "secrets": tuple(grants("secrets", fields, path, self._findings)),
        }

    def volume(self, key: str, node: Node) -> Volume:
        """One volume."""
        fields = node.fields
        driver = fields.get("driver")
        if driver is not None and driver.value not in ("", "local", "default"):
            hint = "use `driver: local`, or delete the line"
            self._refuse(driver, f"volumes.{key}: the driver '{driver.value}' is not supported yet", hint)
        return Volume(
            key=key,
            name=text(fields, "name"),
            external=flag(fields, "external"),
            labels=texts(fields.get("labels")),
        )

    def _mounts(self, fields: Mapping[str, Node], path: str) -> Iterator[Mount]:
        for index, entry in enumerate(fields.get("volumes", NOTHING).entries):
            mount = self._mount(entry, f"{path}.volumes[{index}]")
            if mount is not None:
                yield mount
        for index, entry in enumerate(fields.get("tmpfs", NOTHING).entries):
            try:
                target, options = tmpfs_target(str(entry.value))
            except ValueError as error:
                self._refuse(entry, f"{path}.tmpfs[{index}] {error}", "write /target or /target:size=64m,mode=1777")
            else:
                yield Mount(
                    type="tmpfs",
                    target=target,
                    tmpfs_size_bytes=options.size_bytes,
                    tmpfs_mode=options.mode,
                    read_only=options.read_only,
                    tmpfs_executable=options.executable,
                )

    def _mount(self, entry: Node, path: str) -> Mount | None:
        fields = entry.fields
        kind, target = fields["type"].value, text(fields, "target")
        if not target.startswith("/"):
            self._refuse(
                entry, f"{path} has the target '{target}', which is no absolute path", _RELATIVE, codes.NO_START
            )
            return None
        read_only = flag(fields, "read_only")
        if kind == "bind":
            bind = fields.get("bind", NOTHING).fields
            create = bind.get("create_host_path")
            propagation = bind.get("propagation")
            if propagation is not None and propagation.value not in ("", "private", "rprivate"):
                hint = "mounts are private to the container: delete the option"
                self._refuse(entry, f"{path}: the propagation '{propagation.value}' is not supported yet", hint)
            return Mount(
                type="bind",
                source=text(fields, "source"),
                target=target,
                read_only=read_only,
                create_host_path=create is None or create.value is True,
            )
        if kind == "volume":
            no_copy = flag(fields.get("volume", NOTHING).fields, "nocopy")
            return Mount(
                type="volume", source=text(fields, "source"), target=target, read_only=read_only, no_copy=no_copy
            )
        if kind == "tmpfs":
            options = fields.get("tmpfs", NOTHING).fields
            return Mount(
                type="tmpfs",
                target=target,
                read_only=read_only,
                tmpfs_size_bytes=int(text(options, "size") or 0),
                tmpfs_mode=int(number(options, "mode") or 0o1777),
            )
        self._refuse(
            fields["type"], f"{path}: mounts of type {kind} are not supported yet", "use bind, volume or tmpfs"
        )
        return None
