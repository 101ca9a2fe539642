"""Keeps what the configs and secrets of a stack contain, each content once, by its digest."""

import os
from collections.abc import Collection
from pathlib import Path

from engine.directories import make_private
from engine.errors import StateError

_PREFIX = "sha256:"


def digest_of(content: bytes) -> str:
    """The name that a content is kept under."""
    import hashlib  # noqa: PLC0415 - the supervisor needs none of it, and it loads OpenSSL

    return _PREFIX + hashlib.sha256(content).hexdigest()


class ContentStore:
    """The contents below one directory, which is root's alone."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def put(self, content: bytes) -> str:
        """Keeps a content, if it is not kept yet; returns its digest. A power loss may have cut a kept one short."""
        digest = digest_of(content)
        path = self._path(digest)
        if not path.exists() or path.read_bytes() != content:
            make_private(self._directory)
            draft = path.with_name(f".{path.name}.new")
            draft.unlink(missing_ok=True)
            fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(fd, "wb") as file:
                file.write(content)
            draft.rename(path)
        return digest

    def get(self, digest: str) -> bytes:
        """A content by its digest; StateError when it is not kept."""
        try:
            return self._path(digest).read_bytes()
        except OSError as error:
            raise StateError(
                f"the content {digest[:19]} is not there any more: {error.strerror}", hint="run `windlass up` again"
            ) from error

    def keep_only(self, digests: Collection[str]) -> None:
        """Removes every other content, and the directory when none is left."""
        try:
            names = os.listdir(self._directory)
        except FileNotFoundError:
            return
        for name in names:
            if _PREFIX + name not in digests:
                (self._directory / name).unlink(missing_ok=True)
        if not digests:
            self._directory.rmdir()

    def _path(self, digest: str) -> Path:
        return self._directory / digest.removeprefix(_PREFIX)
