"""What the host's administrator says about registries: a JSON file, and one variable for plain HTTP."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from engine.errors import ImageError
from engine.registries.endpoints import Settings

FILE: Final = Path("/etc/windlass/registries.json")
VARIABLE: Final = "WINDLASS_INSECURE_REGISTRIES"


class _Document(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    insecure: tuple[str, ...] = ()
    token_hosts: dict[str, tuple[str, ...]] = {}


def read_settings(environment: Mapping[str, str], file: Path = FILE) -> Settings:
    """The settings of file and environment together; ImageError when the file is wrong."""
    try:
        found = msgspec.json.decode(file.read_bytes(), type=_Document)
    except FileNotFoundError:
        found = _Document()
    except msgspec.DecodeError as error:
        hint = 'it looks like {"insecure": ["host:port"], "tokenHosts": {"registry": ["host"]}}'
        raise ImageError(f"{file} cannot be read: {error}", hint=hint) from None
    named = tuple(part.strip() for part in environment.get(VARIABLE, "").split(",") if part.strip())
    return Settings(insecure=(*found.insecure, *named), token_hosts=found.token_hosts)
