"""The table of every key of a service that the Compose Specification knows, with the shape of its value.

`Later` marks what windlass does not support yet. The specification is that of 2026-06-29.
"""

import re
from collections.abc import Callable

from compose.mounts import finish_mount, long_mounts
from compose.nodes import Node
from compose.ports import finish_port, long_ports
from compose.shapes import (
    Anything,
    Boolean,
    Choice,
    Duration,
    HostPath,
    Integer,
    Number,
    Reading,
    Refusal,
    Shape,
    Size,
    Text,
    absolute,
)
from compose.structures import Assignments, Command, Fields, Later, ListOf, MapOf, Maybe, Named, OneOf, Spread


def _matches(pattern: str, what: str) -> Callable[[str], object]:
    def check(text: str) -> None:
        if not re.fullmatch(pattern, text):
            raise ValueError(what)

    return check


def _mapping(node: Node, **values: object) -> Node:
    """A mapping of scalars that stands where `node` does."""
    return node.with_value({key: Node(value, node.place) for key, value in values.items()})  # type: ignore[arg-type]  # scalars


def keyed(key: str) -> Callable[[str, Node], Node]:
    """A short form: the text is the long form's `key`."""
    return lambda text, node: _mapping(node, **{key: text})


TEXT = Text()
BOOLEAN = Boolean()
INTEGER = Integer()
NUMBER = Number()
SIZE = Size()
DURATION = Duration()
WORDS = ListOf(TEXT, unique=True)
ONE_OR_MORE = ListOf(TEXT, unique=True, single=True)
TEXT_OR_NUMBER = Text(numbers=True)
LABELS = Assignments(blank="")
ENVIRONMENT = Assignments(strict_names=True)
OPTIONS = MapOf(TEXT_OR_NUMBER)
COMMAND = Command()
NAME = _matches(r"[a-zA-Z0-9._-]+", "is no valid name: use letters, digits, '.', '_' and '-'")


class _Context:
    """A build's context: a directory on the host, or the address of a remote one."""

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        read = TEXT.read(node, path, reading)
        text = str(read.value)
        remote = "://" in text or text.startswith(("git@", "github.com/"))
        return read if remote else read.with_value(absolute(text, reading))


class _Test:
    """healthcheck.test: a shell's line, or a list that begins with NONE, CMD or CMD-SHELL."""

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        if isinstance(node.value, str):
            return node.with_value((Node("CMD-SHELL", node.place), Node(node.value, node.place)))
        read = ListOf(TEXT).read(node, path, reading)
        if not read.entries or read.entries[0].value in ("NONE", "CMD", "CMD-SHELL"):
            return read
        hint = "write `[CMD, program, argument]`, or one text for the shell to run"
        raise Refusal(node.place, f"{path} must begin with NONE, CMD or CMD-SHELL", hint)


ULIMITS = MapOf(OneOf(keyed("soft"), Fields({"soft": INTEGER, "hard": INTEGER})))
EXTRA_HOSTS = Assignments()
GRANT = Fields({"source": TEXT, "target": TEXT, "uid": TEXT, "gid": TEXT, "mode": TEXT_OR_NUMBER})
GRANTS = ListOf(OneOf(keyed("source"), GRANT))
HOOK: dict[str, Shape] = {
    "command": COMMAND,
    "user": TEXT,
    "privileged": BOOLEAN,
    "working_dir": TEXT,
    "environment": ENVIRONMENT,
}
HOOKS = ListOf(Fields(HOOK, required=("command",)))
PRE_START = ListOf(Fields({**HOOK, "image": TEXT, "per_replica": BOOLEAN}))
DEVICE_REQUEST: dict[str, Shape] = {
    "capabilities": WORDS,
    "count": TEXT_OR_NUMBER,
    "device_ids": WORDS,
    "driver": TEXT,
    "options": LABELS,
}

BUILD = OneOf(
    keyed("context"),
    Fields(
        {
            "context": _Context(),
            "dockerfile": TEXT,
            "args": Assignments(),
            "target": TEXT,
            "dockerfile_inline": Later(TEXT),
            "entitlements": Later(WORDS),
            "ssh": Later(LABELS),
            "labels": Later(LABELS),
            "cache_from": Later(WORDS),
            "cache_to": Later(WORDS),
            "no_cache": Later(BOOLEAN),
            "no_cache_filter": Later(ONE_OR_MORE),
            "additional_contexts": Later(Assignments()),
            "network": Later(TEXT),
            "provenance": Later(Anything()),
            "sbom": Later(Anything()),
            "pull": Later(BOOLEAN),
            "shm_size": Later(SIZE),
            "extra_hosts": Later(EXTRA_HOSTS),
            "isolation": Later(TEXT),
            "privileged": Later(BOOLEAN),
            "secrets": Later(GRANTS),
            "tags": Later(WORDS),
            "ulimits": Later(ULIMITS),
            "platforms": Later(WORDS),
        },
    ),
)

DEPENDS_ON = Named(
    Fields(
        {
            "condition": Choice("service_started", "service_healthy", "service_completed_successfully"),
            "restart": BOOLEAN,
            "required": BOOLEAN,
        },
        required=("condition",),
    ),
    lambda name: _mapping(name, condition="service_started", required=True),
)

HEALTHCHECK = Fields(
    {
        "test": _Test(),
        "interval": DURATION,
        "timeout": DURATION,
        "start_period": DURATION,
        "start_interval": Later(DURATION),
        "retries": Integer(0, truncate=True),
        "disable": BOOLEAN,
    }
)

_UPDATE = Fields(
    {
        "parallelism": INTEGER,
        "delay": DURATION,
        "failure_action": TEXT,
        "monitor": DURATION,
        "max_failure_ratio": NUMBER,
        "order": Choice("start-first", "stop-first"),
    }
)
_GENERIC_RESOURCES = ListOf(Fields({"discrete_resource_spec": Fields({"kind": TEXT, "value": INTEGER})}))
DEPLOY = Maybe(
    Fields(
        {
            "replicas": Integer(0),
            "resources": Fields(
                {
                    "limits": Fields({"cpus": NUMBER, "memory": Size(numbers=False), "pids": Integer(-1)}),
                    "reservations": Later(
                        Fields(
                            {
                                "cpus": NUMBER,
                                "memory": Size(numbers=False),
                                "generic_resources": _GENERIC_RESOURCES,
                                "devices": ListOf(Fields(DEVICE_REQUEST, required=("capabilities",))),
                            }
                        )
                    ),
                }
            ),
            "mode": Later(TEXT),
            "endpoint_mode": Later(TEXT),
            "labels": Later(LABELS),
            "rollback_config": Later(_UPDATE),
            "update_config": Later(_UPDATE),
            "restart_policy": Later(
                Fields({"condition": TEXT, "delay": DURATION, "max_attempts": INTEGER, "window": DURATION})
            ),
            "placement": Later(
                Fields(
                    {
                        "constraints": ListOf(TEXT),
                        "preferences": ListOf(Fields({"spread": TEXT})),
                        "max_replicas_per_node": INTEGER,
                    }
                )
            ),
        },
    )
)

DEVELOP = Maybe(
    Fields(
        {
            "watch": ListOf(
                Fields(
                    {
                        "path": HostPath(),
                        "action": Choice("rebuild", "sync", "restart", "sync+restart", "sync+exec"),
                        "target": TEXT,
                        "ignore": ONE_OR_MORE,
                        "include": ONE_OR_MORE,
                        "exec": Fields(HOOK, required=("command",)),
                        "initial_sync": BOOLEAN,
                    },
                    required=("path", "action"),
                )
            )
        }
    )
)

PORTS = Spread(
    long_ports,
    Fields(
        {
            "name": TEXT,
            "mode": TEXT,
            "host_ip": TEXT,
            "target": Integer(1, 65535),
            "published": TEXT_OR_NUMBER,
            "protocol": Choice("tcp", "udp", "sctp"),
            "app_protocol": TEXT,
        },
        required=("target",),
        finish=finish_port,
    ),
)

MOUNTS = Spread(
    long_mounts,
    Fields(
        {
            "type": Choice("bind", "volume", "tmpfs", "cluster", "npipe", "image"),
            "source": TEXT,
            "target": TEXT,
            "read_only": BOOLEAN,
            "consistency": TEXT,
            "bind": Fields(
                {
                    "propagation": TEXT,
                    "create_host_path": BOOLEAN,
                    "recursive": Choice("enabled", "disabled", "writable", "readonly"),
                    "selinux": Choice("z", "Z"),
                }
            ),
            "volume": Fields({"labels": Later(LABELS), "nocopy": BOOLEAN, "subpath": Later(TEXT)}),
            "tmpfs": Fields({"size": SIZE, "mode": INTEGER}),
            "image": Later(Fields({"subpath": TEXT})),
        },
        required=("type", "target"),
        finish=finish_mount,
    ),
)

ENV_FILE = ListOf(
    OneOf(
        keyed("path"),
        Fields({"path": HostPath(), "required": BOOLEAN, "format": Choice("dotenv", "raw")}, required=("path",)),
    ),
    single=True,
)

SERVICE_NETWORKS = Named(
    Maybe(
        Fields(
            {
                "aliases": WORDS,
                "ipv4_address": TEXT,
                "interface_name": Later(TEXT),
                "ipv6_address": Later(TEXT),
                "link_local_ips": Later(WORDS),
                "mac_address": Later(TEXT),
                "driver_opts": Later(OPTIONS),
                "priority": Later(INTEGER),
                "gw_priority": Later(INTEGER),
            }
        )
    ),
    lambda name: name.with_value(None),
)

CONTAINER_NAME = Text(
    _matches(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+", "is no valid name"),
    hint="use two or more letters, digits, '_', '.' and '-', a letter or digit first",
)

SERVICE = Fields(
    {
        "image": TEXT,
        "build": BUILD,
        "command": COMMAND,
        "entrypoint": COMMAND,
        "environment": ENVIRONMENT,
        "env_file": ENV_FILE,
        "working_dir": TEXT,
        "user": TEXT,
        "hostname": TEXT,
        "container_name": CONTAINER_NAME,
        "labels": LABELS,
        "ports": PORTS,
        "expose": ListOf(TEXT_OR_NUMBER, unique=True),
        "networks": SERVICE_NETWORKS,
        "links": WORDS,
        "volumes": MOUNTS,
        "tmpfs": ONE_OR_MORE,
        "depends_on": DEPENDS_ON,
        "healthcheck": HEALTHCHECK,
        "restart": TEXT,
        "stop_signal": TEXT,
        "stop_grace_period": DURATION,
        "init": BOOLEAN,
        "read_only": BOOLEAN,
        "cap_add": WORDS,
        "cap_drop": WORDS,
        "mem_limit": Size(negative=True),
        "cpus": NUMBER,
        "pids_limit": Integer(-1, truncate=True),
        "deploy": DEPLOY,
        "scale": Integer(0),
        "profiles": WORDS,
        "annotations": Later(LABELS),
        "attach": Later(BOOLEAN),
        "blkio_config": Later(Anything()),
        "cgroup": Later(Choice("host", "private")),
        "cgroup_parent": Later(TEXT),
        "configs": Later(GRANTS),
        "cpu_count": Later(INTEGER),
        "cpu_percent": Later(NUMBER),
        "cpu_shares": Later(INTEGER),
        "cpu_quota": Later(INTEGER),
        "cpu_period": Later(INTEGER),
        "cpu_rt_period": Later(INTEGER),
        "cpu_rt_runtime": Later(INTEGER),
        "cpuset": Later(TEXT),
        "credential_spec": Later(Fields({"config": TEXT, "file": TEXT, "registry": TEXT})),
        "develop": Later(DEVELOP),
        "device_cgroup_rules": Later(WORDS),
        "devices": Later(Anything()),
        "dns": Later(ONE_OR_MORE),
        "dns_opt": Later(WORDS),
        "dns_search": Later(ONE_OR_MORE),
        "domainname": Later(TEXT),
        "extends": Later(OneOf(keyed("service"), Fields({"service": TEXT, "file": TEXT}, required=("service",)))),
        "external_links": Later(WORDS),
        "extra_hosts": Later(EXTRA_HOSTS),
        "gpus": Later(Anything()),
        "group_add": Later(ListOf(TEXT_OR_NUMBER, unique=True)),
        "ipc": Later(TEXT),
        "isolation": Later(TEXT),
        "label_file": Later(ONE_OR_MORE),
        "logging": Later(Fields({"driver": TEXT, "options": MapOf(Maybe(TEXT_OR_NUMBER))})),
        "mac_address": Later(TEXT),
        "mem_reservation": Later(SIZE),
        "mem_swappiness": Later(INTEGER),
        "memswap_limit": Later(Size(negative=True)),
        "models": Later(
            Named(Maybe(Fields({"endpoint_var": TEXT, "model_var": TEXT})), lambda name: name.with_value(None))
        ),
        "network_mode": Later(TEXT),
        "oom_kill_disable": Later(BOOLEAN),
        "oom_score_adj": Later(Integer(-1000, 1000)),
        "pid": Later(Maybe(TEXT)),
        "platform": Later(TEXT),
        "post_start": Later(HOOKS),
        "pre_start": Later(PRE_START),
        "pre_stop": Later(HOOKS),
        "privileged": Later(BOOLEAN),
        "provider": Later(Fields({"type": TEXT, "options": MapOf(Anything())}, required=("type",))),
        "pull_policy": Later(TEXT),
        "pull_refresh_after": Later(TEXT),
        "runtime": Later(TEXT),
        "secrets": Later(GRANTS),
        "security_opt": Later(WORDS),
        "shm_size": Later(SIZE),
        "stdin_open": Later(BOOLEAN),
        "storage_opt": Later(MapOf(Anything())),
        "sysctls": Later(LABELS),
        "tty": Later(BOOLEAN),
        "ulimits": Later(ULIMITS),
        "use_api_socket": Later(BOOLEAN),
        "userns_mode": Later(TEXT),
        "uts": Later(TEXT),
        "volumes_from": Later(WORDS),
    }
)
