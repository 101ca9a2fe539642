"""Fuzzes the reader with atheris: whatever files hold, reading ends soon with a stack or with problems.

`make fuzz` runs it where atheris is installed; SECONDS says how long.
"""

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["compose"]):
    from compose.errors import FileError
    from compose.printing.canonical import canonical
    from compose.reading.reader import ReadRequest, read_stack

SEPARATOR = b"\n%%%%\n"
NAMES = ("compose.yaml", "over.yaml", ".env")
LONGEST_SECONDS = 1.0
MOST_KIBIBYTES = 500 * 1024


def read_project(directory: Path, data: bytes) -> None:
    """Reads the project whose files `data` holds, one behind the other; asserts what is promised of every project."""
    parts = data.split(SEPARATOR)
    for name, part in zip(NAMES, (*parts, *[b""] * len(NAMES)), strict=False):
        (directory / name).write_bytes(part)
    files = NAMES[: 2 if len(parts) > 1 else 1]
    request = ReadRequest(str(directory), {"HOME": "/home/me"}, files=files, project_name="p", services=("web",))
    began = time.process_time()
    try:
        canonical(read_stack(request))
    except FileError as error:
        assert error.problems  # noqa: PT017 - either end is right
        assert all(problem.place.file for problem in error.problems)  # noqa: PT017 - likewise
    taken = time.process_time() - began
    assert taken < LONGEST_SECONDS, f"took {taken:.2f} s"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < MOST_KIBIBYTES


def main() -> None:
    """Begins with the whole files of the tests; what crashes lies below the corpus afterwards."""
    seconds = os.environ.get("SECONDS", "60")
    with tempfile.TemporaryDirectory(prefix="windlass-fuzz-") as folder:
        project, corpus = Path(folder, "project"), Path(folder, "corpus")
        project.mkdir()
        corpus.mkdir()
        for number, file in enumerate(sorted(Path("tests/files").glob("*/compose.yaml"))):
            (corpus / str(number)).write_bytes(
                file.read_bytes() + SEPARATOR + b"services: {web: {image: x}}\n" + SEPARATOR
            )
        arguments = [
            sys.argv[0],
            str(corpus),
            f"-max_total_time={seconds}",
            "-timeout=20",
            "-max_len=20000",
            *sys.argv[1:],
        ]
        atheris.Setup(arguments, lambda data: read_project(project, data))
        atheris.Fuzz()


if __name__ == "__main__":
    main()
