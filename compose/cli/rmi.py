"""`windlass rmi`."""

import sys
from typing import Annotated

from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.errors import StackError
from engine.errors import ImageError
from engine.housekeeping.cleaning import remove_image
from engine.housekeeping.removal import familiar


def command(
    session: Session,
    images: Annotated[list[str], Argument("Names, or ids, of images.")],
    *,
    force: Annotated[
        bool, Option("--force", "-f", tells="Take names away although containers need the image.")
    ] = False,
    no_prune: Annotated[
        bool, Option("--no-prune", tells="Take the name away; leave the files to image prune.")
    ] = False,
) -> None:
    """Removes images, or one of several names of an image."""
    session.refuse_dry_run("rmi")
    session.require_root()
    wrong: list[ImageError] = []

    def tell() -> None:
        session.tell_wait("other work on images")

    for word in images:
        try:
            removed = remove_image(session.layout, word, force=force, keep_files=no_prune, on_wait=tell)
        except ImageError as error:
            wrong.append(error)
            continue
        for name in removed.doomed.names:
            sys.stdout.write(f"Untagged: {familiar(name)}\n")
        for digest in (*removed.doomed.images, *removed.doomed.layers):
            sys.stdout.write(f"Deleted: {digest}\n")
    if wrong:
        raise StackError("\n".join(error.message for error in wrong), hint=wrong[0].hint)
