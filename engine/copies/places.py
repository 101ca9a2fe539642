"""Decides where a copy goes: by what is copied, and what is there already (the rules of `docker cp`)."""

from typing import Literal, NamedTuple

from engine.errors import CopyError

Kind = Literal["directory", "file", "missing", "lost"]
"""What is at a destination; lost is what is missing together with the directory that it would be in."""


class Wish(NamedTuple):
    """What is to be copied: the source's own last name, whether only what a directory contains, and where to.

    `destination` is as the user wrote it: a slash at its end asks for a directory.
    """

    name: str
    contents_only: bool
    destination: str


Answer = Literal["inside", "as", "itself"]
"""Below the destination under the source's name; at the destination's own name; the directory that is there itself."""


def decide(wish: Wish, *, directory: bool, there: Kind) -> Answer:
    """How the destination is meant, when a directory or a file is copied; CopyError when it cannot be meant."""
    shown = wish.destination
    match there:
        case "lost":
            hint = "make it first; copying makes no directories on the way"
            raise CopyError(f"cannot copy to {shown}: the directory that it is to be in does not exist", hint=hint)
        case "directory":
            return "itself" if directory and wish.contents_only else "inside"
        case "file" if directory:
            raise CopyError(f"cannot copy a directory to {shown}, which is a file", hint="name a directory")
        case "file" if shown.endswith("/"):
            raise CopyError(f"cannot copy to {shown}: it is a file", hint="leave the slash out to replace it")
        case "missing" if not directory and shown.endswith("/"):
            hint = "make it first, or leave the slash out to give the file that name"
            raise CopyError(f"cannot copy to {shown}: there is no such directory", hint=hint)
    return "as"


def split_name(path: str) -> tuple[str, bool]:
    """A source path's last name, and whether it asks for what a directory contains alone (`.` at its end)."""
    parts = [part for part in path.split("/") if part]
    contents_only = not parts or parts[-1] == "."
    names: list[str] = []
    for part in parts:
        if part == "..":
            names = names[:-1]
        elif part != ".":
            names.append(part)
    return (names[-1] if names else ""), contents_only or not names
