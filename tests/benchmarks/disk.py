"""How much disk many containers of one large image take, before they write.

    python tests/benchmarks/disk.py --containers 1000 --stacks 10

Stacks come up one after the other and are stopped, all containers of one stack running at once; what was stopped stays,
so in the end all containers exist. Prints the disk that the whole data root takes, blocks counted, in each step.
Needs root and 1.2 GB of disk.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT))

from engine.images.store import ImageStore  # noqa: E402 -- the checkout is on the path only now
from engine.layout import Layout  # noqa: E402 -- likewise
from tests.busybox import plant_busybox  # noqa: E402 -- likewise

REFERENCE = "localhost/large:1"
FILES, FILE_BYTES = 1000, 1_000_000
GIGABYTE = 1_000_000_000


def make_image(store: ImageStore) -> None:
    """An image of a gigabyte in files that no file system packs."""
    chance = random.Random(1)  # noqa: S311 -- no secrets
    store.root.mkdir(mode=0o700, parents=True)
    tree = Path(tempfile.mkdtemp(dir=store.root, prefix="large-"))
    plant_busybox(tree)
    (tree / "large").mkdir()
    for number in range(FILES):
        (tree / "large" / str(number)).write_bytes(chance.randbytes(FILE_BYTES))
    layer = store.add_layer(tree)
    from engine.images.model import ImageConfig
    from engine.images.ociconfig import host_architecture

    config = ImageConfig(environment={"PATH": "/bin"}, command=("sh",))
    image = store.add_image(config, (layer,), created_ns=0, architecture=host_architecture(os.uname().machine))
    store.tag(REFERENCE, image)


def disk_bytes(root: Path) -> int:
    """What du(1) counts: blocks, a file with several names once."""
    counted = subprocess.run(["du", "-s", "-B1", root], check=True, capture_output=True, text=True)
    return int(counted.stdout.split()[0])


def main() -> None:
    """Measures in roots of its own, and leaves nothing."""
    options = argparse.ArgumentParser()
    options.add_argument("--containers", type=int, default=1000)
    options.add_argument("--stacks", type=int, default=10)
    chosen = options.parse_args()
    each = chosen.containers // chosen.stacks
    base = Path(tempfile.mkdtemp(prefix="wl-disk-"))
    layout = Layout(run=base / "run", data=base / "data")
    roots = {"WINDLASS_RUN_ROOT": str(layout.run), "WINDLASS_DATA_ROOT": str(layout.data), "PYTHONPATH": str(CHECKOUT)}
    file = base / "compose.yaml"
    file.write_text(
        f'services: {{s: {{image: "{REFERENCE}", command: [sleep, "100000"], stop_signal: SIGKILL, scale: {each}}}}}\n'
    )

    def windlass(stack: int, *verb: str) -> None:
        argv = [sys.executable, "-m", "compose.cli", "-f", str(file), "-p", f"wldisk{stack}", *verb]
        subprocess.run(argv, env={**os.environ, **roots}, check=True, stdout=subprocess.DEVNULL)

    try:
        make_image(ImageStore(layout.images, layout.cache))
        print(f"the image alone: {disk_bytes(layout.data) / GIGABYTE:.3f} GB", flush=True)
        for stack in range(chosen.stacks):
            began = time.monotonic()
            windlass(stack, "--progress", "quiet", "up", "-d")
            taken = time.monotonic() - began
            print(
                f"{(stack + 1) * each} containers, {each} running: {disk_bytes(layout.data) / GIGABYTE:.3f} GB"
                f" (up in {taken:.1f} s)",
                flush=True,
            )
            windlass(stack, "--progress", "quiet", "stop")
    finally:
        for stack in range(chosen.stacks):
            windlass(stack, "--progress", "quiet", "down", "-v")
        print(f"after down: {disk_bytes(layout.data) / GIGABYTE:.3f} GB")
        shutil.rmtree(base)


if __name__ == "__main__":
    main()
