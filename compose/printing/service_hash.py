"""The hash of a service's definition: the very one that Docker Compose prints with `config --hash`.

It is what the label `com.docker.compose.config-hash` holds, so that tools which compare the two find what they expect.
Whether a container has to be made anew is decided over its complete specification instead (see `fingerprint`).
"""

import hashlib

from compose.model import Stack
from compose.printing.canonical import service_values
from compose.printing.jsontext import json_line

_NO_PART = ("build", "pull_policy", "scale", "depends_on", "profiles")  # a change of these needs no new container


def service_hash(stack: Stack, service_name: str) -> str:
    """64 hexadecimal digits."""
    values = service_values(stack, service_name)
    for key in _NO_PART:
        values.pop(key, None)
    values.get("deploy", {}).pop("replicas", None)
    return hashlib.sha256(json_line(values).encode()).hexdigest()
