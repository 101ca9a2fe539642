"""Credentials for registries where Docker keeps them: `config.json`, and the helper programs that it names.

No secret stands in an argument or a message: helpers read and write theirs on their standard streams.
"""

import base64
import binascii
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from engine.errors import EngineError, ImageError
from engine.images.references import DEFAULT_REGISTRY
from engine.registries.access import Credentials

_DEFAULT_KEY: Final = "https://index.docker.io/v1/"
_HELPER_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_IDENTITY = "<token>"


class _HelperAnswer(msgspec.Struct, rename="pascal"):
    username: str = ""
    secret: str = ""


class CredentialFile:
    """The credentials of one user; the file and its directory may be missing."""

    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        self._path = path
        self._environment = environment

    def find(self, registry: str) -> Credentials | None:
        """The credentials for a registry, None when there are none."""
        document = self._read()
        helper = _helper(document, registry)
        if helper:
            return self._ask_helper(helper, registry)
        entries = _mapping(document, "auths")
        for key in _keys(registry):
            entry = entries.get(key)
            if isinstance(entry, dict):
                found = _decoded(entry)
                if found:
                    return found
        return None

    def save(self, registry: str, credentials: Credentials) -> str:
        """Keeps credentials; returns where they are kept, for people to read."""
        document = self._read()
        key = _keys(registry)[0]
        helper = _helper(document, registry)
        entries = _mapping(document, "auths")
        if helper:
            given = {"ServerURL": key, "Username": credentials.user or _IDENTITY, "Secret": credentials.secret}
            self._run_helper(helper, "store", msgspec.json.encode(given))
            entries[key] = {}
        else:
            text = f"{credentials.user}:{credentials.secret}".encode()
            entries[key] = {"auth": base64.b64encode(text).decode()}
        document["auths"] = entries
        self._write(document)
        return f"the helper {helper}" if helper else str(self._path)

    def remove(self, registry: str) -> bool:
        """Forgets a registry's credentials and says whether there were any."""
        document = self._read()
        helper = _helper(document, registry)
        entries = _mapping(document, "auths")
        known = [key for key in _keys(registry) if key in entries]
        if helper:
            with suppress(EngineError):  # it may have none
                self._run_helper(helper, "erase", _keys(registry)[0].encode())
        if not known:
            return False
        for key in known:
            del entries[key]
        document["auths"] = entries
        self._write(document)
        return True

    def _ask_helper(self, helper: str, registry: str) -> Credentials | None:
        from engine import programs  # noqa: PLC0415 - few have helpers

        programs.find(f"docker-credential-{helper}")
        for key in _keys(registry):
            try:
                answer = self._run_helper(helper, "get", key.encode())
            except EngineError:
                continue  # how a helper says that it has none
            try:
                found = msgspec.json.decode(answer, type=_HelperAnswer)
            except (msgspec.DecodeError, UnicodeDecodeError):
                raise ImageError(f"docker-credential-{helper} answers with what is no credential") from None
            if found.secret:
                return Credentials("" if found.username == _IDENTITY else found.username, found.secret)
        return None

    def _run_helper(self, helper: str, verb: str, given: bytes) -> bytes:
        from engine import programs  # noqa: PLC0415 - likewise

        home = self._environment.get("HOME", "/root")
        environment = {**programs.FIXED_ENVIRONMENT, "HOME": home}
        return programs.run((f"docker-credential-{helper}", verb), stdin=given, environment=environment)

    def _read(self) -> dict[str, Any]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, Any])
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ImageError(f"{self._path} cannot be read: {error}", hint="mend it, or move it away") from None

    def _write(self, document: dict[str, Any]) -> None:
        """Replaces the file; nobody but its owner ever reads it."""
        target = self._path.resolve()
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = target.with_name(f".{target.name}.{os.urandom(4).hex()}")
        file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(file, msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
            os.fsync(file)
        finally:
            os.close(file)
        unfinished.rename(target)


def credential_file(environment: Mapping[str, str]) -> CredentialFile:
    """The file where the environment has it: below DOCKER_CONFIG, else in the home directory."""
    directory = environment.get("DOCKER_CONFIG") or f"{environment.get('HOME') or '/root'}/.docker"
    return CredentialFile(Path(directory) / "config.json", environment)


def _keys(registry: str) -> tuple[str, ...]:
    """What a registry is called in the file, the usual form first."""
    if registry == DEFAULT_REGISTRY:
        return (_DEFAULT_KEY, "index.docker.io", DEFAULT_REGISTRY)
    return (registry, f"https://{registry}", f"https://{registry}/", f"https://{registry}/v1/", f"http://{registry}")


def _helper(document: dict[str, Any], registry: str) -> str:
    """The helper that keeps a registry's credentials, empty for the file itself."""
    of_registry = _mapping(document, "credHelpers")
    name = next((of_registry[key] for key in _keys(registry) if key in of_registry), document.get("credsStore", ""))
    if not name:
        return ""
    if not isinstance(name, str) or not _HELPER_NAME.fullmatch(name):
        raise ImageError(f"{name!r} is no credential helper's name", hint="see credsStore, credHelpers in config.json")
    return name


def _mapping(document: dict[str, Any], key: str) -> dict[str, Any]:
    found = document.get(key)
    return found if isinstance(found, dict) else {}


def _decoded(entry: dict[str, Any]) -> Credentials | None:
    identity = entry.get("identitytoken")
    if isinstance(identity, str) and identity:
        return Credentials("", identity)
    text = entry.get("auth")
    if isinstance(text, str) and text:
        try:
            user, colon, secret = base64.b64decode(text).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return Credentials(user, secret.rstrip("\0")) if colon and user else None
    name, password = entry.get("username"), entry.get("password")
    return Credentials(name, password) if isinstance(name, str) and isinstance(password, str) and name else None
