"""Writes the configs and secrets of a container as files of its own, with the owners and modes that it is to see."""

import os
from pathlib import Path

from engine.contents import ContentStore
from engine.directories import make_private
from engine.errors import StartError, StateError
from engine.mounts import given_files
from engine.spec import ContainerSpec


def write_given_files(spec: ContainerSpec, contents: ContentStore, directory: Path, first_id: int) -> None:
    """Writes the files into `directory`, anew: an earlier run's may have been another's to change.

    Nobody but root gets into the directory; a container gets each file as a read-only mount.
    """
    wanted = given_files(spec)
    if not wanted:
        return
    make_private(directory)
    for name, mount in wanted.items():
        try:
            content = contents.get(mount.digest)
        except StateError as error:
            message = f"cannot give the {mount.kind} {mount.name} to {spec.name}: {error.message}"
            raise StartError(message, stage="mounts", hint=error.hint) from error
        path = directory / name
        path.unlink(missing_ok=True)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(content)
            os.fchown(fd, first_id + mount.uid, first_id + mount.gid)
            os.fchmod(fd, mount.mode)
