"""A build context: its directory, its Dockerfile and what it leaves out."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.dockerfiles.ignoring import IgnoreRules, parse_ignore_rules
from engine.dockerfiles.requests import BuildRequest
from engine.dockerfiles.sources import Root
from engine.errors import BuildError
from engine.syscalls import Resolve

_TITLE = "the build context"
_INLINE = "dockerfile_inline"


def read_dockerfile(request: BuildRequest) -> tuple[str, str]:
    """The text of a Dockerfile and what to call it."""
    if request.inline is not None:
        return request.inline, _INLINE
    path = request.context / request.dockerfile
    try:
        return path.read_text(), str(path)
    except UnicodeDecodeError:
        raise BuildError(f"{path} is no text in UTF-8", file=str(path)) from None
    except OSError as error:
        raise BuildError(
            f"cannot read {path}: {error.strerror}",
            file=str(path),
            hint="check the service's build.context and build.dockerfile",
        ) from None


@contextmanager
def opened_context(context: Path, dockerfile: str, title: str = _TITLE) -> Iterator[Root]:
    """The context as a place to copy from; links must not lead out of it. `dockerfile` may be empty."""
    try:
        handle = os.open(context, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise BuildError(f"cannot open the build context {context}: {error.strerror}", file=str(context)) from None
    try:
        rules = read_rules(context, context / dockerfile)
        yield Root(handle, title, Resolve.BENEATH | Resolve.NO_MAGICLINKS, rules)
    finally:
        os.close(handle)


def read_rules(context: Path, dockerfile: Path) -> IgnoreRules:
    """The rules beside the Dockerfile win over those of the context."""
    beside = (dockerfile.with_name(f"{dockerfile.name}.dockerignore"),) if dockerfile != context else ()
    for path in (*beside, context / ".dockerignore"):
        if path.is_file():
            return parse_ignore_rules(path.read_text(errors="replace"), path.name)
    return IgnoreRules()
