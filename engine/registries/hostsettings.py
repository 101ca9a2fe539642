"""What the host's administrator says about registries: a JSON file, and one variable for plain HTTP."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from engine.errors import ImageError
from engine.registries.endpoints import Settings

FILE: Final = Path("/etc/windlass/registries.json")
VARIABLE: Final = "WINDLASS_INSECURE_REGISTRIES"
_HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?")
_PATH = re.compile(r"[A-Za-z0-9._/-]+")


class _Document(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    insecure: tuple[str, ...] = ()
    token_hosts: dict[str, tuple[str, ...]] = {}
    mirrors: dict[str, tuple[str, ...]] = {}


def read_settings(environment: Mapping[str, str], file: Path = FILE) -> Settings:
    """The settings of file and environment together; ImageError when the file is wrong."""
    try:
        found = msgspec.json.decode(file.read_bytes(), type=_Document)
    except FileNotFoundError:
        found = _Document()
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        hint = 'it looks like {"insecure": ["host:port"], "mirrors": {"registry": ["host"]}}: see docs/registries.md'
        raise ImageError(f"{file} cannot be read: {error}", hint=hint) from None
    named = tuple(part.strip() for part in environment.get(VARIABLE, "").split(",") if part.strip())
    mirrors = {registry: tuple(_mirror(file, text) for text in texts) for registry, texts in found.mirrors.items()}
    return Settings(insecure=(*found.insecure, *named), token_hosts=found.token_hosts, mirrors=mirrors)


def _mirror(file: Path, text: str) -> str:
    """A mirror's address without its scheme."""
    host, _, path = text.removeprefix("https://").rstrip("/").partition("/")
    if not _HOST.fullmatch(host) or (path and not _PATH.fullmatch(path)):
        hint = "write host, host:port or host/path; what speaks plain HTTP stands in `insecure`, too"
        raise ImageError(f"{file}: {text!r} is no mirror's address", hint=hint)
    return f"{host}/{path}" if path else host
