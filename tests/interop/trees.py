"""Lists every file below merged layers as a container would see it: `trees.py LAYER...`, the topmost layer first.

Run in a mount namespace of its own; prints JSON, one list of facts a path.
"""

import hashlib
import json
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

_OF_NO_LAYER = ("trusted.overlay.", "security.selinux")


def main(layers: list[str]) -> None:
    """Prints what the layers look like when they lie on one another."""
    with tempfile.TemporaryDirectory() as directory:
        base = Path(directory)
        (base / "empty").mkdir()
        (base / "seen").mkdir()
        for number, layer in enumerate(layers):  # the option's text has room for few long names
            (base / str(number)).symlink_to(layer)
        lower = ":".join([*(str(number) for number in range(len(layers))), "empty"])
        mount = ["mount", "-t", "overlay", "overlay", "-o", f"ro,lowerdir={lower}", "seen"]
        subprocess.run(mount, check=True, cwd=base)
        try:
            json.dump(listing(base / "seen"), sys.stdout)
        finally:
            subprocess.run(["umount", "seen"], check=True, cwd=base)


def listing(root: Path) -> dict[str, list[object]]:
    """Of every path: kind and mode, owner, size, time, link, other names, attributes, content."""
    found: dict[str, list[object]] = {}
    names: dict[int, str] = {}
    for directory, subdirectories, files in os.walk(root):
        subdirectories.sort()
        for name in sorted((*subdirectories, *files)):
            path = Path(directory, name)
            status = path.lstat()
            shown = str(path.relative_to(root))
            first = shown if stat.S_ISDIR(status.st_mode) else names.setdefault(status.st_ino, shown)
            found[shown] = [
                stat.filemode(status.st_mode),
                f"{status.st_uid}:{status.st_gid}",
                0 if stat.S_ISDIR(status.st_mode) else status.st_size,
                status.st_mtime_ns,
                str(path.readlink()) if path.is_symlink() else "",
                first if first != shown else "",
                attributes(path),
                hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(status.st_mode) else "",
            ]
    return found


def attributes(path: Path) -> dict[str, str]:
    """The extended attributes that belong to a layer."""
    names = sorted(os.listxattr(path, follow_symlinks=False))
    kept = (name for name in names if not name.startswith(_OF_NO_LAYER))
    return {name: os.getxattr(path, name, follow_symlinks=False).hex() for name in kept}


if __name__ == "__main__":
    main(sys.argv[1:])
