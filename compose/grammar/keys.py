"""The table of every key of a file that the Compose Specification knows, with the shape of its value.

`Later` marks what windlass does not support yet. The specification is that of 2026-06-29.
"""

from compose import codes
from compose.grammar.service_keys import SERVICE
from compose.grammar.shapes import HostPath, Reading
from compose.grammar.special_shapes import with_device_path
from compose.grammar.structures import Fields, ListOf, MapOf, Maybe, OneOf
from compose.grammar.vocabulary import (
    BOOLEAN,
    INTEGER,
    LABELS,
    NAME,
    ONE_OR_MORE,
    OPTIONS,
    TEXT,
    keyed,
)
from compose.nodes import Node


class External:
    """external: true, or the older mapping with the name."""

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        if isinstance(node.value, dict):
            return Fields({"name": TEXT}).read(node, path, reading)
        return BOOLEAN.read(node, path, reading)


def _finish_external(node: Node, path: str, reading: Reading) -> Node:
    external = node.fields.get("external")
    if external is None:
        return node
    fields = dict(node.fields)
    named = external.fields.get("name")
    if isinstance(external.value, dict):
        fields["external"] = external.with_value(True)
        if named is not None:
            own = fields.setdefault("name", named)
            if own.value != named.value:
                message = f"{path} is named '{own.value}', but external says '{named.value}'"
                reading.refuse(named.place, message, "keep `name:`, and write `external: true`", codes.CONTRADICTION)
    return node.with_value(fields)


NETWORK = Maybe(
    Fields(
        {
            "name": TEXT,
            "driver": TEXT,
            "internal": BOOLEAN,
            "labels": LABELS,
            "ipam": Fields(
                {
                    "driver": TEXT,
                    "config": ListOf(
                        Fields(
                            {
                                "subnet": TEXT,
                                "gateway": TEXT,
                                "ip_range": TEXT,
                                "aux_addresses": MapOf(TEXT),
                            }
                        )
                    ),
                    "options": MapOf(TEXT),
                }
            ),
            "external": External(),
            "driver_opts": OPTIONS,
            "enable_ipv4": BOOLEAN,
            "enable_ipv6": BOOLEAN,
            "attachable": BOOLEAN,
        },
        finish=_finish_external,
    ),
    blank=True,
)


class VolumeOptions:
    """The options of a volume's driver."""

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        return with_device_path(OPTIONS.read(node, path, reading), path, reading)


_VOLUME_OPTIONS = VolumeOptions()
VOLUME = Maybe(
    Fields(
        {
            "name": TEXT,
            "driver": TEXT,
            "external": External(),
            "labels": LABELS,
            "driver_opts": _VOLUME_OPTIONS,
        },
        finish=_finish_external,
    ),
    blank=True,
)

SECRET = Fields(
    {
        "name": TEXT,
        "environment": TEXT,
        "file": HostPath(),
        "external": External(),
        "labels": LABELS,
        "driver": TEXT,
        "driver_opts": OPTIONS,
        "template_driver": TEXT,
    },
    finish=_finish_external,
)
CONFIG = Fields(
    {
        "name": TEXT,
        "content": TEXT,
        "environment": TEXT,
        "file": HostPath(),
        "external": External(),
        "labels": LABELS,
        "template_driver": TEXT,
    },
    finish=_finish_external,
)
MODEL = Fields(
    {"name": TEXT, "model": TEXT, "context_size": INTEGER, "runtime_flags": ListOf(TEXT)}, required=("model",)
)
INCLUDE = ListOf(
    OneOf(
        keyed("path"),
        Fields({"path": ONE_OR_MORE, "env_file": ONE_OR_MORE, "project_directory": TEXT}),
    )
)

DOCUMENT = Fields(
    {
        "name": TEXT,
        "version": TEXT,
        "services": MapOf(SERVICE, check=NAME),
        "networks": MapOf(NETWORK, check=NAME),
        "volumes": MapOf(VOLUME, check=NAME),
        "include": Maybe(INCLUDE),
        "models": MapOf(MODEL, check=NAME),
        "secrets": MapOf(SECRET, check=NAME),
        "configs": MapOf(CONFIG, check=NAME),
    }
)
