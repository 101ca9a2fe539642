"""Makes the directories of state, which hold what nobody but root may reach: setuid files, environments, sockets."""

import stat
from pathlib import Path


def make_private(directory: Path) -> None:
    """Makes a directory, with all that are missing above it, for its owner alone; one that exists stays as it is.

    mkdir with `parents` would leave the modes of those above to the umask.
    """
    try:
        directory.mkdir(mode=0o700)
    except FileNotFoundError:
        make_private(directory.parent)
        make_private(directory)
    except FileExistsError:
        try:
            there = directory.stat()
        except FileNotFoundError:  # whoever else uses it has removed it just now
            make_private(directory)
        else:
            if not stat.S_ISDIR(there.st_mode):
                raise
