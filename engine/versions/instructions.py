"""Reads changes of an image's settings that are written as a Dockerfile's instructions (`USER app`)."""

from collections.abc import Iterable
from typing import Any

from engine.dockerfiles import settings
from engine.dockerfiles.dockerfile import parse_dockerfile
from engine.dockerfiles.instructions import Instruction
from engine.dockerfiles.problems import Mistake
from engine.dockerfiles.settings import Given, Settings
from engine.errors import BuildError, ImageError
from engine.images import ociconfig
from engine.images.model import ImageConfig

KEYWORDS = ("CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "ONBUILD", "SHELL", "STOPSIGNAL")
MORE_KEYWORDS = ("USER", "VOLUME", "WORKDIR")


def changed_settings(config: ImageConfig, instructions: Iterable[str]) -> dict[str, Any]:
    """The keys of an image's `config` (OCI) that instructions change, with their values; None takes a key away.

    ImageError for what is no instruction, or none about settings.
    """
    state = Settings(config)
    for text in instructions:
        try:
            for instruction in _parsed(text):
                state = settings.after(instruction, state, Given({}, {}))
        except Mistake as mistake:
            raise ImageError(f"--change {text!r}: {mistake.message}", hint=mistake.hint) from None
        except BuildError as error:
            message = error.message.splitlines()[0].partition(": ")[2] or error.message
            raise ImageError(f"--change {text!r}: {message}", hint=error.hint) from None
    before, after = ociconfig.encode_config(config), ociconfig.encode_config(state.config)
    return {key: after.get(key) for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def _parsed(text: str) -> tuple[Instruction, ...]:
    keyword = text.strip().partition(" ")[0].upper()
    known = (*KEYWORDS, *MORE_KEYWORDS)
    if keyword not in known:
        raise ImageError(f"--change {text!r}: only settings can be changed so", hint=f"known are {', '.join(known)}")
    return parse_dockerfile(f"FROM scratch\n{text}\n", "change").stages[0].instructions
