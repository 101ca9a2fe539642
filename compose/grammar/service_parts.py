"""The tables of the keys below those of a service (build, deploy, ports and the like), with the shapes of their values.

`Later` marks what windlass does not support yet. The specification is that of 2026-06-29.
"""

from compose import codes
from compose.grammar.mounts import finish_mount, long_mounts
from compose.grammar.ports import finish_port, long_ports
from compose.grammar.shapes import (
    Choice,
    HostPath,
    Integer,
    Reading,
    Refusal,
    Shape,
    Size,
    absolute,
)
from compose.grammar.special_shapes import Contexts, Count, SshKeys, TextOf, long_device, with_count
from compose.grammar.structures import Assignments, Fields, ListOf, Maybe, Named, OneOf, Spread
from compose.grammar.vocabulary import (
    BOOLEAN,
    COUNT,
    DURATION,
    EXTRA_HOSTS,
    GRANTS,
    HOOK,
    INTEGER,
    LABELS,
    NUMBER,
    ONE_OR_MORE,
    OPTIONS,
    SIZE,
    TEXT,
    TEXT_OR_NUMBER,
    TRUNCATED,
    ULIMITS,
    WORDS,
    keyed,
    mapping_at,
)
from compose.nodes import Node


class BuildContext:
    """A build's context: a directory on the host, or the address of a remote one."""

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        read = TEXT.read(node, path, reading)
        text = str(read.value)
        remote = "://" in text or text.startswith(("git@", "github.com/"))
        return read if remote else read.with_value(absolute(text, reading))


class HealthTest:
    """healthcheck.test: a shell's line, or a list that begins with NONE, CMD or CMD-SHELL."""

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        if isinstance(node.value, str):
            return node.with_value((Node("CMD-SHELL", node.place), Node(node.value, node.place)))
        read = ListOf(TEXT).read(node, path, reading)
        if not read.entries or read.entries[0].value in ("NONE", "CMD", "CMD-SHELL"):
            return read
        hint = "write `[CMD, program, argument]`, or one text for the shell to run"
        raise Refusal(node.place, f"{path} must begin with NONE, CMD or CMD-SHELL", hint, codes.WRONG_TEST)


_DEVICE_REQUEST: dict[str, Shape] = {
    "capabilities": WORDS,
    "count": Count(),
    "device_ids": WORDS,
    "driver": TEXT,
    "options": LABELS,
}
DEVICE_REQUESTS = ListOf(Fields(_DEVICE_REQUEST))


class Gpus:
    """gpus: all, or a list of requests for devices."""

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        if node.value == "all":
            return node.with_value((mapping_at(Node(None, node.place), count=-1),))
        read = DEVICE_REQUESTS.read(node, path, reading)
        return read.with_value(tuple(with_count(entry, path, reading) for entry in read.entries))


_BLKIO_LIMITS = ListOf(Fields({"path": TEXT, "rate": SIZE}))
BLKIO = Fields(
    {
        "weight": COUNT,
        "weight_device": ListOf(Fields({"path": TEXT, "weight": COUNT})),
        "device_read_bps": _BLKIO_LIMITS,
        "device_read_iops": _BLKIO_LIMITS,
        "device_write_bps": _BLKIO_LIMITS,
        "device_write_iops": _BLKIO_LIMITS,
    }
)
DEVICES = Spread(long_device, Fields({"source": TEXT, "target": TEXT, "permissions": TEXT}, required=("source",)))

BUILD = OneOf(
    keyed("context"),
    Fields(
        {
            "context": BuildContext(),
            "dockerfile": TEXT,
            "args": Assignments(),
            "target": TEXT,
            "dockerfile_inline": TEXT,
            "entitlements": ListOf(TEXT),
            "ssh": SshKeys(),
            "labels": LABELS,
            "cache_from": ListOf(TEXT),
            "cache_to": ListOf(TEXT),
            "no_cache": BOOLEAN,
            "no_cache_filter": ONE_OR_MORE,
            "additional_contexts": Contexts(),
            "network": TEXT,
            "provenance": TextOf(),
            "sbom": TextOf(),
            "pull": BOOLEAN,
            "shm_size": SIZE,
            "extra_hosts": EXTRA_HOSTS,
            "isolation": TEXT,
            "privileged": BOOLEAN,
            "secrets": GRANTS,
            "tags": WORDS,
            "ulimits": ULIMITS,
            "platforms": ListOf(TEXT),
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
    lambda name: mapping_at(name, condition="service_started", required=True),
)

HEALTHCHECK = Fields(
    {
        "test": HealthTest(),
        "interval": DURATION,
        "timeout": DURATION,
        "start_period": DURATION,
        "start_interval": DURATION,
        "retries": Integer(0, truncate=True),
        "disable": BOOLEAN,
    }
)

_UPDATE = Fields(
    {
        "parallelism": COUNT,
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
            "replicas": COUNT,
            "resources": Fields(
                {
                    "limits": Fields({"cpus": NUMBER, "memory": Size(numbers=False), "pids": Integer(-1)}),
                    "reservations": Fields(
                        {
                            "cpus": NUMBER,
                            "memory": Size(numbers=False),
                            "generic_resources": _GENERIC_RESOURCES,
                            "devices": ListOf(Fields(_DEVICE_REQUEST, required=("capabilities",), finish=with_count)),
                        }
                    ),
                }
            ),
            "mode": TEXT,
            "endpoint_mode": TEXT,
            "labels": LABELS,
            "rollback_config": _UPDATE,
            "update_config": _UPDATE,
            "restart_policy": Fields({"condition": TEXT, "delay": DURATION, "max_attempts": COUNT, "window": DURATION}),
            "placement": Fields(
                {
                    "constraints": ListOf(TEXT),
                    "preferences": ListOf(Fields({"spread": TEXT})),
                    "max_replicas_per_node": COUNT,
                }
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
            "protocol": TEXT,
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
            "volume": Fields({"labels": LABELS, "nocopy": BOOLEAN, "subpath": TEXT}),
            "tmpfs": Fields({"size": SIZE, "mode": Integer(0, truncate=True)}),
            "image": Fields({"subpath": TEXT}),
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
                "interface_name": TEXT,
                "ipv6_address": TEXT,
                "link_local_ips": WORDS,
                "mac_address": TEXT,
                "driver_opts": OPTIONS,
                "priority": TRUNCATED,
                "gw_priority": TRUNCATED,
            }
        )
    ),
    lambda name: name.with_value(None),
)
