"""What lies around a place where enemies' files are unpacked, to see that none of it is ever touched."""

import os
from pathlib import Path


class Canary:
    """Makes files, links, directories around `inside`, of which nothing counts."""

    def __init__(self, around: Path) -> None:
        self._around = around / "canary"
        self.inside = self._around / "a" / "b" / "inside"
        self.inside.mkdir(parents=True)
        for place in (self._around, self._around / "a", self._around / "a" / "b"):
            (place / "outside").write_text("canary")
            (place / "etc").mkdir()
            (place / "etc" / "passwd").write_text("root::0:0")
            (place / "setuid").write_bytes(b"\x7fELF")
            (place / "setuid").chmod(0o4755)
            (place / "link").symlink_to("outside")
            os.mkfifo(place / "pipe")
        self._before = self._listing()

    def check(self) -> None:
        """Asserts that everything around is what it was."""
        assert self._listing() == self._before

    def _listing(self) -> list[tuple[object, ...]]:
        listing: list[tuple[object, ...]] = []
        for folder, folders, files in os.walk(self._around):
            if Path(folder) == self.inside:
                folders.clear()
                continue
            for name in (".", *sorted(folders), *sorted(files)):
                path = os.path.join(folder, name)  # noqa: PTH118 -- quick enough to be called by fuzzers
                found = os.lstat(path)
                if path == str(self.inside):
                    listing.append((path, found.st_mode, found.st_uid, found.st_ino))
                    continue
                content = os.readlink(path) if name == "link" else ""  # noqa: PTH115 -- likewise
                if name in {"outside", "passwd", "setuid"}:
                    with open(path, "rb") as file:  # noqa: PTH123 -- likewise
                        content = repr(file.read())
                listing.append(
                    (
                        *(path, found.st_mode, found.st_uid, found.st_gid, found.st_ino, found.st_nlink),
                        *(found.st_mtime_ns, found.st_ctime_ns, content, os.listxattr(path, follow_symlinks=False)),
                    )
                )
        return listing
