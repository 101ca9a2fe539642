"""Decodes how a service's containers live: where their output goes, when they start again, what is told about them."""

import os
from collections.abc import Mapping
from typing import Any, Literal

from compose import codes
from compose.decoding.findings import Findings
from compose.decoding.values import NOTHING, flag, number, seconds, text, texts, words
from compose.grammar.quantities import duration_nanoseconds, size_bytes
from compose.model import Hook, Logging, RestartPolicy
from compose.nodes import Node

KEPT_HERE = ("", "json-file", "local")
ELSEWHERE = ("syslog", "journald", "gelf", "fluentd", "awslogs", "splunk", "etwlogs", "gcplogs", "logentries")
_LOG_OPTIONS = ("max-size", "max-file")
_IDLE_LOG_OPTIONS = frozenset(
    ("mode", "max-buffer-size", "compress", "labels", "labels-regex", "env", "env-regex", "tag", "cache-disabled")
)
_CONDITIONS: dict[str, Literal["none", "on-failure", "any"]] = {
    "": "any",
    "any": "any",
    "always": "any",
    "unless-stopped": "any",
    "on-failure": "on-failure",
    "none": "none",
    "no": "none",
}
_POLICIES = ("always", "never", "missing", "if_not_present", "build", "refresh", "daily", "weekly")
_FOR_SWARMS = ("endpoint_mode", "placement", "labels")
LEAST_DISK_BYTES = 16 << 20
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


def lives(fields: Mapping[str, Node], path: str, findings: Findings) -> dict[str, Any]:
    """Values for the fields of a `Service`."""
    deploy = fields.get("deploy", NOTHING).fields
    _warn_of_idle_deployment(deploy, path, findings)
    attach = fields.get("attach")
    size = text(fields, "shm_size")
    return {
        "annotations": texts(fields.get("annotations")),
        "attach": attach is None or attach.value is not False,
        "logging": _logging(fields["logging"].fields, f"{path}.logging", findings) if "logging" in fields else None,
        "pre_start": _hooks(fields, "pre_start", path, findings),
        "post_start": _hooks(fields, "post_start", path, findings),
        "pre_stop": _hooks(fields, "pre_stop", path, findings),
        "on_unhealthy": _on_unhealthy(fields, path, findings),
        "platform": _platform(fields, path, findings),
        "pull_policy": _pull_policy(fields, path, findings),
        "restart_policy": (
            _restart_policy(deploy["restart_policy"].fields, f"{path}.deploy.restart_policy", findings)
            if "restart_policy" in deploy
            else None
        ),
        "storage_opt": _storage_options(fields.get("storage_opt", NOTHING), f"{path}.storage_opt", findings),
        "shm_size_bytes": int(size) if size and int(size) > 0 else None,
    }


def hook(fields: Mapping[str, Node], command: tuple[str, ...], *, image: str = "") -> Hook:
    """A program to run in a service's containers."""
    return Hook(
        command=command,
        user=text(fields, "user"),
        privileged=flag(fields, "privileged"),
        working_dir=text(fields, "working_dir"),
        environment=texts(fields.get("environment")),
        per_replica=flag(fields, "per_replica"),
        image=image,
    )


def _hooks(fields: Mapping[str, Node], key: str, path: str, findings: Findings) -> tuple[Hook, ...]:
    hooks = []
    for index, entry in enumerate(fields.get(key, NOTHING).entries if key in fields else ()):
        command = words(entry.fields.get("command"))
        image = text(entry.fields, "image")
        if not command and not image:
            hint = "write a program with its arguments, such as [touch, /ready]"
            findings.hinder(entry, f"{path}.{key}[{index}] has no command", hint)
            continue
        hooks.append(hook(entry.fields, command or (), image=image))
    return tuple(hooks)


def _on_unhealthy(fields: Mapping[str, Node], path: str, findings: Findings) -> Literal["", "restart"]:
    """A key of windlass's own: others ignore what begins with x-."""
    node = fields.get("x-on-unhealthy")
    if node is None or node.value in (None, "", "ignore"):
        return ""
    if node.value != "restart":
        hint = "use restart, or ignore"
        findings.hinder(node, f"{path}.x-on-unhealthy cannot be '{node.value}'", hint, codes.NO_SUCH_CHOICE)
    return "restart"


def _logging(fields: Mapping[str, Node], path: str, findings: Findings) -> Logging:
    driver, options = text(fields, "driver"), fields.get("options", NOTHING).fields
    if driver in ELSEWHERE:
        findings.warn(fields["driver"], f"{path}: windlass has no driver '{driver}'; it keeps the logs itself")
    elif driver in KEPT_HERE:
        _check_log_options(options, path, findings)
    elif driver != "none":
        hint = "use json-file, local or none; `windlass logs -f` can feed other programs"
        findings.refuse(fields["driver"], f"{path}: the driver '{driver}' is not supported yet", hint, codes.NOT_YET)
    return Logging(driver=driver, options=texts(fields.get("options")))


def _check_log_options(options: Mapping[str, Node], path: str, findings: Findings) -> None:
    idle = [name for name in options if name in _IDLE_LOG_OPTIONS]
    if idle:
        does = "has" if len(idle) == 1 else "have"
        findings.warn(options[idle[0]], f"{path}.options: {', '.join(idle)} {does} no effect")
    for name, node in options.items():
        here = f"{path}.options.{name}"
        if name in idle:
            continue
        if name not in _LOG_OPTIONS:
            hint = f"the options are {' and '.join(_LOG_OPTIONS)}"
            findings.hinder(node, f"{path} has no option '{name}'", hint, codes.UNKNOWN_KEY)
        elif name == "max-file" and not (str(node.value).isdecimal() and 0 < int(str(node.value)) <= 1000):
            findings.hinder(node, f"{here} cannot be '{node.value}'", "write a number from 1 to 1000")
        elif name == "max-size" and node.value != "-1":
            try:
                size_bytes(str(node.value))
            except ValueError as error:
                findings.hinder(node, f"{here} {error}", "write a size such as 10m, or -1", codes.WRONG_SIZE)


def _restart_policy(fields: Mapping[str, Node], path: str, findings: Findings) -> RestartPolicy:
    written = text(fields, "condition")
    if written not in _CONDITIONS:
        hint = "use none, on-failure or any"
        findings.hinder(fields["condition"], f"{path}.condition cannot be '{written}'", hint, codes.NO_SUCH_CHOICE)
    attempts = number(fields, "max_attempts")
    return RestartPolicy(
        condition=_CONDITIONS.get(written, "any"),
        delay_seconds=seconds(fields, "delay"),
        max_attempts=None if attempts is None else max(0, int(attempts)),
        window_seconds=seconds(fields, "window"),
    )


def _warn_of_idle_deployment(deploy: Mapping[str, Node], path: str, findings: Findings) -> None:
    """One warning for all that makes sense on several hosts only."""
    idle = [key for key in _FOR_SWARMS if key in deploy]
    mode = text(deploy, "mode")
    if mode not in ("", "replicated", "global"):
        idle.insert(0, "mode")
    if idle:
        does = "has" if len(idle) == 1 else "have"
        findings.warn(deploy[idle[0]], f"{path}.deploy: {', '.join(idle)} {does} no effect on a single host")


def _pull_policy(fields: Mapping[str, Node], path: str, findings: Findings) -> str:
    policy = text(fields, "pull_policy")
    age = policy.removeprefix("every_") if policy.startswith("every_") else text(fields, "pull_refresh_after")
    if policy and policy not in _POLICIES and not policy.startswith("every_"):
        hint = f"use one of {', '.join(_POLICIES)}, or every_ with a duration"
        findings.refuse(fields["pull_policy"], f"{path}.pull_policy cannot be '{policy}'", hint, codes.NO_SUCH_CHOICE)
    elif age:
        key = "pull_policy" if policy.startswith("every_") else "pull_refresh_after"
        try:
            duration_nanoseconds(age)
        except ValueError as error:
            findings.refuse(fields[key], f"{path}.{key} {error}", "write a duration such as 12h", codes.WRONG_DURATION)
        return f"every_{age}" if policy == "refresh" else policy
    return policy


def _storage_options(node: Node, path: str, findings: Findings) -> dict[str, str]:
    options = {name: text(node.fields, name) for name in node.fields}
    for name, written in options.items():
        if name != "size":
            findings.refuse(node.fields[name], f"{path}.{name} is not supported yet", "`size` is", codes.NOT_YET)
            continue
        try:
            size = size_bytes(written)
        except ValueError as error:
            findings.refuse(node.fields[name], f"{path}.size {error}", "write a size such as 10g", codes.WRONG_SIZE)
        else:
            if size < LEAST_DISK_BYTES:
                hint = f"write {LEAST_DISK_BYTES >> 20}m or more"
                findings.refuse(node.fields[name], f"{path}.size is too small for a disk", hint, codes.WRONG_SIZE)
    return options


def _platform(fields: Mapping[str, Node], path: str, findings: Findings) -> str:
    platform = text(fields, "platform")
    here = host_platform(os.uname().machine)
    if platform and not same_platform(platform, here):
        hint = "delete the line, or run the stack on such a machine: windlass does not emulate others"
        findings.refuse(
            fields["platform"], f"{path}.platform: this machine is {here}, not {platform}", hint, codes.NOT_YET
        )
    return platform


def host_platform(machine: str) -> str:
    """The platform of a machine as uname(2) names it, in the words of images: linux/amd64."""
    return f"linux/{_MACHINES.get(machine, machine)}"


def same_platform(wanted: str, host: str) -> bool:
    """Whether a platform ("linux/amd64", "amd64", "linux/arm64/v8") is the host's."""
    words = wanted.lower().split("/")
    system, machine = (words[0], words[1]) if len(words) > 1 else ("linux", words[0])
    return host == f"{system}/{_MACHINES.get(machine, machine)}" or (len(words) == 1 and words[0] == "linux")
