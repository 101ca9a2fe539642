"""The smallest image that runs: one static busybox under all of its names."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from engine.images.model import Image, ImageConfig
from engine.images.ociconfig import host_architecture
from engine.images.store import ImageStore

REFERENCE = "localhost/bb:1"


def ensure_busybox(store: ImageStore) -> Image:
    """Returns the image `localhost/bb:1`, made from the host's busybox when it is not in the store."""
    found = store.find(REFERENCE)
    if found is not None:
        return found
    store.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    tree = Path(tempfile.mkdtemp(dir=store.root, prefix="busybox-"))
    tree.chmod(0o755)
    plant_busybox(tree)
    layer = store.add_layer(tree)
    config = ImageConfig(environment={"PATH": "/bin"}, command=("sh",))
    image = store.add_image(config, (layer,), created_ns=0, architecture=host_architecture(os.uname().machine))
    store.tag(REFERENCE, image)
    return image


def plant_busybox(tree: Path) -> None:
    """Fills a directory with busybox and the few directories that every container needs."""
    for name in ("bin", "dev", "etc", "proc", "root", "sys", "tmp"):
        (tree / name).mkdir()
    (tree / "tmp").chmod(0o1777)
    shutil.copy("/bin/busybox", tree / "bin" / "busybox")
    listed = subprocess.run(["/bin/busybox", "--list"], check=True, capture_output=True, text=True)
    for applet in listed.stdout.split():
        if applet != "busybox":
            (tree / "bin" / applet).symlink_to("busybox")
    (tree / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n")
    (tree / "etc" / "group").write_text("root:x:0:\nnobody:x:65534:\n")
