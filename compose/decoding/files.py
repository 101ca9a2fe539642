"""Decodes what a service has for files: mounts, volumes."""

from collections.abc import Iterator, Mapping
from typing import Any

from compose import codes
from compose.decoding.findings import Findings
from compose.decoding.grants import grants
from compose.decoding.values import NOTHING, flag, number, text, texts
from compose.grammar.mounts import PROPAGATIONS, tmpfs_target
from compose.model import Mount, Volume, VolumesFrom
from compose.nodes import Node

_RELATIVE = "begin it with /; a source before it is ./path, or a volume that stands below the file's `volumes:`"


class FilesDecoder:
    """Decodes volumes, and those settings of services that are about files."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._refuse = findings.hinder

    def settings(self, fields: Mapping[str, Node], path: str) -> dict[str, Any]:
        """Values for the fields of a `Service`."""
        return {
            "mounts": tuple(self._mounts(fields, path)),
            "configs": tuple(grants("configs", fields, path, self._findings)),
            "secrets": tuple(grants("secrets", fields, path, self._findings)),
            "volumes_from": tuple(_volumes_from(fields.get("volumes_from", NOTHING), path, self._findings)),
        }

    def volume(self, key: str, node: Node) -> Volume:
        """One volume."""
        fields = node.fields
        driver = fields.get("driver")
        if driver is not None and driver.value not in ("", "local", "default"):
            hint = "use `driver: local`, or delete the line"
            self._refuse(
                driver, f"volumes.{key}: the driver '{driver.value}' is not supported yet", hint, codes.NOT_YET
            )
        return Volume(
            key=key,
            name=text(fields, "name"),
            external=flag(fields, "external"),
            labels=texts(fields.get("labels")),
            driver_opts=self._driver_options(fields.get("driver_opts", NOTHING), f"volumes.{key}.driver_opts"),
        )

    def _driver_options(self, node: Node, path: str) -> dict[str, str]:
        options = {name: text(node.fields, name) for name in node.fields}
        if options:
            from engine.volumemounts import mount_call  # noqa: PLC0415 - few volumes have options

            try:
                mount_call(options)
            except ValueError as error:
                hint = "the local driver's options are type, device and o"
                self._refuse(node, f"{path} {error}", hint, codes.NO_START)
        return options

    def _mounts(self, fields: Mapping[str, Node], path: str) -> Iterator[Mount]:
        for index, entry in enumerate(fields.get("volumes", NOTHING).entries):
            mount = self._mount(entry, f"{path}.volumes[{index}]")
            if mount is not None:
                yield mount
        for index, entry in enumerate(fields.get("tmpfs", NOTHING).entries):
            try:
                target, options = tmpfs_target(str(entry.value))
            except ValueError as error:
                hint = "write /target or /target:size=64m,mode=1777"
                self._refuse(entry, f"{path}.tmpfs[{index}] {error}", hint, codes.WRONG_MOUNT)
            else:
                yield Mount(
                    type="tmpfs",
                    target=target,
                    tmpfs_size_bytes=options.size_bytes,
                    tmpfs_mode=options.mode,
                    read_only=options.read_only,
                    tmpfs_executable=options.executable,
                    tmpfs_uid=options.uid,
                    tmpfs_gid=options.gid,
                    tmpfs_inodes=options.inodes,
                )

    def _mount(self, entry: Node, path: str) -> Mount | None:
        fields = entry.fields
        kind, target = fields["type"].value, text(fields, "target")
        if not target.startswith("/"):
            self._refuse(
                entry, f"{path} has the target '{target}', which is no absolute path", _RELATIVE, codes.NO_START
            )
            return None
        usual: dict[str, Any] = {
            "type": kind,
            "target": target,
            "source": text(fields, "source"),
            "read_only": flag(fields, "read_only"),
        }
        options = fields.get(str(kind), NOTHING).fields
        match kind:
            case "bind":
                return Mount(**usual, **self._bind(options, path))
            case "volume":
                return Mount(
                    **usual,
                    no_copy=flag(options, "nocopy"),
                    subpath=self._subpath(options, path),
                    labels=texts(options.get("labels")),
                )
            case "tmpfs":
                usual["source"] = ""
                return Mount(
                    **usual,
                    tmpfs_size_bytes=int(text(options, "size") or 0),
                    tmpfs_mode=int(number(options, "mode") or 0o1777),
                )
            case "image":
                if not usual["source"]:
                    self._refuse(
                        entry, f"{path} is a mount of no image", "add `source:` with an image's name", codes.MISSING_KEY
                    )
                return Mount(**{**usual, "read_only": True}, subpath=self._subpath(options, path))
            case _:
                hint = "use bind, volume, tmpfs or image"
                self._refuse(
                    fields["type"], f"{path}: mounts of type {kind} are not supported yet", hint, codes.NOT_YET
                )
                return None

    def _bind(self, options: Mapping[str, Node], path: str) -> dict[str, Any]:
        create, propagation = options.get("create_host_path"), text(options, "propagation")
        if propagation not in ("", *PROPAGATIONS):
            hint = f"use one of {', '.join(sorted(PROPAGATIONS))}"
            message = f"{path}.bind.propagation cannot be '{propagation}'"
            self._refuse(options["propagation"], message, hint, codes.NO_SUCH_CHOICE)
        return {
            "create_host_path": create is None or create.value is True,
            "propagation": propagation,
            "recursive": text(options, "recursive") or "enabled",
        }

    def _subpath(self, options: Mapping[str, Node], path: str) -> str:
        subpath = text(options, "subpath")
        if subpath.startswith("/") or ".." in subpath.split("/"):
            hint = "write a path without '..', relative to the root of what is mounted"
            self._refuse(options["subpath"], f"{path}: the subpath '{subpath}' leads out", hint, codes.WRONG_MOUNT)
        return subpath


def _volumes_from(node: Node, path: str, findings: Findings) -> Iterator[VolumesFrom]:
    """Entries "service[:ro|:rw]" or "container:name[:ro|:rw]"."""
    for index, entry in enumerate(node.entries):
        words = str(entry.value).split(":")
        is_container = words[0] == "container" and len(words) > 1
        name, *mode = words[1:] if is_container else words
        if not name or len(mode) > 1 or (mode and mode[0] not in ("ro", "rw")):
            hint = "write service, service:ro or container:name"
            findings.hinder(entry, f"{path}.volumes_from[{index}] cannot be '{entry.value}'", hint, codes.WRONG_MOUNT)
            continue
        read_only = mode == ["ro"]
        yield (
            VolumesFrom(container=name, read_only=read_only)
            if is_container
            else VolumesFrom(service=name, read_only=read_only)
        )
