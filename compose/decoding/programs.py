"""Decodes what a service's programs may and may not."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from compose import codes
from compose.decoding.findings import Findings
from compose.decoding.limits import ulimits
from compose.decoding.security_options import parsed
from compose.decoding.values import NOTHING, flag, text, texts, words
from compose.model import Device
from compose.nodes import Node

_MODES = {
    "pid": ("host",),
    "ipc": ("host", "none", "private", "shareable"),
    "uts": ("host",),
    "cgroup": ("host", "private"),
    "userns_mode": ("host",),
}
_SHARED = ("pid", "ipc")  # namespaces that may be another container's
_APPARMOR = Path("/sys/module/apparmor")
_CDI = re.compile(r"[\w.-]+/[\w.-]+=[\w.:-]+")


class ProgramsDecoder:
    """Decodes one service's fields; `path` is the service's in messages."""

    def __init__(self, fields: Mapping[str, Node], path: str, findings: Findings) -> None:
        self._fields = fields
        self._path = path
        self._findings = findings

    def settings(self) -> dict[str, Any]:
        """The fields by the model's names."""
        fields = self._fields
        return {
            "privileged": flag(fields, "privileged"),
            "security_opt": self._security_opt(),
            "group_add": words(fields.get("group_add")) or (),
            "devices": tuple(self._devices()),
            "device_cgroup_rules": self._device_rules(),
            "sysctls": self._sysctls(),
            "ulimits": tuple(ulimits(self._fields, self._path, self._findings)),
            "tty": flag(fields, "tty"),
            "stdin_open": flag(fields, "stdin_open"),
            **{key: self._mode(key) for key in _MODES},
        }

    def _refuse(self, node: Node, message: str, hint: str = "", code: str = codes.WRONG_VALUE) -> None:
        self._findings.hinder(node, f"{self._path}.{message}", hint, code)

    def _security_opt(self) -> tuple[str, ...]:
        given = self._fields.get("security_opt", NOTHING).entries
        for index, entry in enumerate(given):
            try:
                key, value = parsed(str(entry.value))
            except ValueError as error:
                hint = "use no-new-privileges, seccomp=FILE, seccomp=unconfined, systempaths=unconfined or apparmor=..."
                self._refuse(entry, f"security_opt[{index}] {error}", hint, codes.NO_SUCH_CHOICE)
                return ()
            if key == "apparmor" and value != "unconfined":
                self._apparmor(entry, value)
            if key == "label" and value != "disable":
                self._findings.warn(entry, f"{self._path}.security_opt: windlass sets no SELinux labels")
        return tuple(str(entry.value) for entry in given)

    def _apparmor(self, entry: Node, profile: str) -> None:
        if _APPARMOR.exists():
            message = f"security_opt: the AppArmor profile '{profile}' is not supported yet"
            self._refuse(entry, message, "use apparmor=unconfined, or delete the line", codes.NOT_YET)
        else:
            self._findings.warn(entry, f"{self._path}.security_opt: this host has no AppArmor for '{profile}'")

    def _devices(self) -> Iterator[Device]:
        for index, entry in enumerate(self._fields.get("devices", NOTHING).entries):
            source, target = text(entry.fields, "source"), text(entry.fields, "target")
            permissions = text(entry.fields, "permissions") or "rwm"
            if _CDI.fullmatch(source):
                message = f"devices[{index}]: '{source}' is a name of CDI, which is not supported yet"
                self._refuse(entry, message, "name the device's path on the host", codes.NOT_YET)
            elif not source.startswith("/") or not (target or source).startswith("/"):
                self._refuse(
                    entry,
                    f"devices[{index}] names a path that is not absolute",
                    "write /dev/source:/dev/target",
                    codes.WRONG_DEVICE,
                )
            elif not set(permissions) <= set("rwm"):
                message = f"devices[{index}] has the permissions '{permissions}'"
                self._refuse(entry, message, "use letters of r (read), w (write) and m (make)", codes.WRONG_DEVICE)
            else:
                yield Device(source=source, target=target or source, permissions=permissions)

    def _device_rules(self) -> tuple[str, ...]:
        rules = self._fields.get("device_cgroup_rules", NOTHING).entries
        if rules:
            from engine import device_filter  # noqa: PLC0415 - few services have rules for devices

            for index, entry in enumerate(rules):
                try:
                    device_filter.check(str(entry.value))
                except ValueError as error:
                    self._refuse(entry, f"device_cgroup_rules[{index}] is no rule", str(error), codes.WRONG_DEVICE)
        return tuple(str(entry.value) for entry in rules)

    def _sysctls(self) -> dict[str, str]:
        settings = self._fields.get("sysctls", NOTHING).fields
        if settings:
            from engine import sysctls  # noqa: PLC0415 - few services have settings of the kernel

            for name, node in settings.items():
                self._check_sysctl(node, name, sysctls.owner(name))
        return texts(self._fields.get("sysctls"))

    def _check_sysctl(self, node: Node, name: str, owner: str) -> None:
        if not owner:
            hint = (
                "a container has the settings net.*, fs.mqueue.* and those of kernel.sem, kernel.msg* and kernel.shm*"
            )
            message = f"sysctls: {name} is the host's, not a container's own"
            self._refuse(node, message, f"{hint}; set it with sysctl -w", codes.WRONG_SYSCTL)
        elif owner == "network" and text(self._fields, "network_mode") == "host":
            message = f"sysctls: {name} belongs to the network, which is the host's here"
            self._refuse(node, message, "delete it, or network_mode: host", codes.WRONG_SYSCTL)
        elif owner == "ipc" and text(self._fields, "ipc") == "host":
            message = f"sysctls: {name} belongs to the IPC namespace, which is the host's here"
            self._refuse(node, message, "delete it, or ipc: host", codes.WRONG_SYSCTL)

    def _mode(self, key: str) -> str:
        mode = text(self._fields, key)
        if not mode or mode in _MODES[key] or (key in _SHARED and mode.startswith(("service:", "container:"))):
            return mode
        choices = (*_MODES[key], *(("service:NAME", "container:NAME") if key in _SHARED else ()))
        self._refuse(
            self._fields[key], f"{key} cannot be '{mode}'", f"use {' or '.join(choices)}", codes.NO_SUCH_CHOICE
        )
        return ""
