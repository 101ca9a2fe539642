"""What of a container's specification the file decides, so that a change of it asks for a new container."""

import hashlib
import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from compose import naming
from engine.spec import ContainerSpec
from net.spec import NetworkSpec

IDENTITY = ("id", "stack", "service", "number", "config_hash", "image_id", "image_name", "layers", "previous")
WORDS = {
    "exposed_ports": "expose",
    "endpoints": "networks",
    "mounts": "volumes",
    "name": "container_name",
    "on_unhealthy": "x-on-unhealthy",
    "oom_score_adjustment": "oom_score_adj",
    "resource_limits": "ulimits",
    "shm_bytes": "shm_size",
    "storage_bytes": "storage_opt.size",
    "stop_grace_seconds": "stop_grace_period",
}
PARTS = {
    "process.argv": "command",
    "process.working_directory": "working_dir",
    "process.user": "user",
    "limits.memory_bytes": "mem_limit",
    "limits.cpus": "cpus",
    "limits.pids": "pids_limit",
    "process.groups": "group_add",
    "process.terminal": "tty",
    "limits.memory_reservation_bytes": "mem_reservation",
    "limits.swap_bytes": "memswap_limit",
    "limits.swappiness": "mem_swappiness",
    "limits.cpu_quota_us": "cpu_quota",
    "limits.cpu_period_us": "cpu_period",
    "limits.block": "blkio_config",
    "namespaces.network": "network_mode",
    "namespaces.user": "userns_mode",
    "confinement.no_new_privileges": "security_opt no-new-privileges",
    "confinement.seccomp": "security_opt seccomp",
    "confinement.unmasked": "security_opt systempaths",
    "confinement.mask": "security_opt mask",
    "confinement.unmask": "security_opt unmask",
    "confinement.device_rules": "device_cgroup_rules",
    "resolver.servers": "dns",
    "resolver.search": "dns_search",
    "resolver.options": "dns_opt",
    "resolver.hosts": "extra_hosts",
    "resolver.domain": "domainname",
}
MOUNT_WORDS = frozenset(
    ("propagation", "subpath", "no_copy", "labels", "size_bytes", "executable", "uid", "gid", "inodes")
)
SECRET_WORDS = ("PASSWORD", "PASSWD", "SECRET", "TOKEN", "KEY")
MOST_CHANGES = 3
LONGEST_VALUES = 160


def fingerprint(spec: ContainerSpec) -> dict[str, Any]:
    """The specification as plain values, without what names this very container and without its image."""
    values: dict[str, Any] = msgspec.to_builtins(spec)
    for field in IDENTITY:
        values.pop(field, None)
    if values["hostname"] == spec.id[:12]:
        values["hostname"] = ""
    values["labels"] = {key: value for key, value in spec.labels.items() if not key.startswith(f"{naming.LABEL}.")}
    return values


def config_hash(spec: ContainerSpec) -> str:
    """SHA-256 over the fingerprint; replicas of one service differ only where their ports and volumes do."""
    return hashlib.sha256(msgspec.json.encode(fingerprint(spec), order="deterministic")).hexdigest()


def changes(old: ContainerSpec, new: ContainerSpec) -> tuple[str, ...]:
    """What differs, in the file's words ("environment.DEBUG changed: '0' -> '1'"); empty when nothing does."""
    if old.image_id != new.image_id:
        return (f"image changed: {_short(old.image_id)} -> {_short(new.image_id)}",)
    if old.config_hash == new.config_hash:
        return ()
    found = tuple(_differences(fingerprint(old), fingerprint(new)))
    if len(found) > MOST_CHANGES:
        return (*found[:MOST_CHANGES], f"{len(found) - MOST_CHANGES} more")
    return found or ("made by another version of windlass",)


def network_changes(old: NetworkSpec, new: NetworkSpec) -> tuple[str, ...]:
    """What differs between two networks of a name ("subnet changed: 10.5.0.0/24 -> any"), with the file's labels."""
    before, after = msgspec.to_builtins(old), msgspec.to_builtins(new)
    found = [
        f"{field} changed: {_setting(before[field])} -> {_setting(after[field])}"
        for field in after
        if field not in ("name", "labels") and before[field] != after[field]
    ]
    return (*found, *_entries("labels", files_labels(old.labels), files_labels(new.labels)))


def files_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """The labels that a file gives, without those that tell what a stack knows of a thing."""
    return {key: value for key, value in labels.items() if not naming.is_ours(key)}


def definition_hash(definition: object) -> str:
    """SHA-256 over what a file says of a network or volume, for the label that Compose's tools read."""
    return hashlib.sha256(msgspec.json.encode(definition, order="deterministic")).hexdigest()


def _setting(value: Any) -> str:
    if isinstance(value, list | tuple):
        value = " ".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value or "any")


def _short(image_id: str) -> str:
    return image_id[:19]


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for field in new:
        if old.get(field) == new[field]:
            continue
        tell = _TELLERS.get(field)
        if tell is not None:
            yield from tell(field, old[field], new[field])
        else:
            yield f"{WORDS.get(field, field)} changed: {old.get(field)!r} -> {new[field]!r}"


def _parts(field: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for part in new:
        if old.get(part) == new[part]:
            continue
        if part == "environment":
            yield from _entries(part, old.get(part, {}), new[part])
        elif part == "argv":
            yield f"command changed: {shlex.join(old[part])} -> {shlex.join(new[part])}"
        else:
            was, now = repr(old.get(part)), repr(new[part])
            values = f": {was} -> {now}" if len(was) + len(now) <= LONGEST_VALUES else ""
            yield f"{PARTS.get(f'{field}.{part}', part)} changed{values}"


def _entries(field: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    for key in sorted({*old, *new}):
        hidden = any(word in key.upper() for word in SECRET_WORDS)
        if key not in old:
            yield f"{field}.{key} added" + ("" if hidden else f": {new[key]!r}")
        elif key not in new:
            yield f"{field}.{key} removed"
        elif old[key] != new[key]:
            yield f"{field}.{key} changed" + ("" if hidden else f": {old[key]!r} -> {new[key]!r}")


def _listed(field: str, old: list[Any], new: list[Any]) -> Iterator[str]:
    field = WORDS.get(field, field)
    gone = [f"-{_text(field, item)}" for item in old if item not in new]
    come = [f"+{_text(field, item)}" for item in new if item not in old]
    yield f"{field} changed: {' '.join((*gone, *come)) or 'their order'}"


def _mounts(_field: str, old: list[Any], new: list[Any]) -> Iterator[str]:
    """What differs among mounts; of a config or secret that stays where it is, that its content has changed."""
    files = {mount["target"]: mount for mount in old if mount["type"] == "file"}
    others = [[mount for mount in mounts if mount["type"] != "file"] for mounts in (old, new)]
    for mount in new:
        if mount["type"] != "file":
            continue
        what = f"{mount['kind']} {mount['name']}"
        before = files.pop(mount["target"], None)
        if before is None:
            yield f"{what} added: {mount['target']}"
        elif before["digest"] != mount["digest"] or before["name"] != mount["name"]:
            yield f"{what} changed"
        elif before != mount:
            yield f"{what} has another owner or mode"
    for mount in files.values():
        yield f"{mount['kind']} {mount['name']} removed: {mount['target']}"
    if others[0] != others[1]:
        yield from _listed("volumes", *others)


def _hooks(field: str, _old: Any, _new: Any) -> Iterator[str]:
    yield f"{field} changed"


def _health(_field: str, _old: Any, _new: Any) -> Iterator[str]:
    yield "healthcheck changed"


def _restart(field: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    yield f"{field} changed: {_policy(old)} -> {_policy(new)}"


def _logging(_field: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    yield f"logging changed: {_log(old)} -> {_log(new)}"


def _policy(policy: Mapping[str, Any]) -> str:
    words = [f"{policy['condition']}:{policy['max_retries']}".removesuffix(":0")]
    for key, word in (("delay_seconds", "delay"), ("window_seconds", "window")):
        if policy.get(key) is not None:
            words.append(f"{word} {policy[key]:g}s")
    return " ".join(words)


def _log(options: Mapping[str, Any]) -> str:
    return f"{options['max_files']} files of {options['max_bytes']} bytes" if options["kept"] else "none"


def _text(field: str, item: Any) -> str:
    """One item of a list as a user would write it."""
    match field, item:
        case "volumes", {"type": kind, "target": target}:
            source = item.get("source") or item.get("volume") or _short(item.get("image_id", "")) or kind
            words = ["ro"] if item.get("read_only") and kind != "image" else []
            words += [f"mode={item['mode']:o}"] if item.get("mode", 0o1777) != 0o1777 else []
            words += [f"{name}={value}" for name, value in item.items() if name in MOUNT_WORDS and value]
            return f"{source}:{target}{':' if words else ''}{','.join(words)}"
        case "ports", {"container_port": target, "host_port": port, "host_ip": address, "protocol": protocol}:
            last = f"-{item['last_port']}" if item.get("last_port") else ""
            return f"{address + ':' if address else ''}{port or ''}{last}:{target}/{protocol}"
        case "networks", {"network": network, "aliases": aliases, "address": address}:
            chosen = (address, *(item.get(key) for key in ("address6", "mac_address", "interface", "gateway_priority")))
            details = [*(str(each) for each in chosen if each), *aliases]
            return str(network) + (f"({','.join(details)})" if details else "")
        case "links", [alias, service]:
            return f"{service}:{alias}"
        case _:
            return str(item)


_TELLERS: dict[str, Callable[[str, Any, Any], Iterator[str]]] = {
    "process": _parts,
    "limits": _parts,
    "namespaces": _parts,
    "resolver": _parts,
    "confinement": _parts,
    "sysctls": _entries,
    "labels": _entries,
    "annotations": _entries,
    "health": _health,
    "pre_start": _hooks,
    "post_start": _hooks,
    "pre_stop": _hooks,
    "restart": _restart,
    "log": _logging,
    "mounts": _mounts,
    **dict.fromkeys(("links", "endpoints", "ports", "exposed_ports", "cap_add", "cap_drop"), _listed),
}
