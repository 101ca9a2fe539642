"""Where an image store keeps what.

<root>/                      0700: setuid files of images never meet the host's users
  layers/<hex>/tree/         a layer's files with canonical ids; whiteouts as overlayfs wants them
  layers/<hex>/layer.json    what is known of it (LayerFacts)
  layers/<hex>/recipe        of a layer that came as an archive: how that is made again (engine.images.recipes)
  layers/<hex>/replaced/<n>  what later entries of the archive replaced: the recipe needs it
  layers/<hex>/blobs.json    in which registries it is known to be, and by which name; may be missing
  images/<hex>.json          an image's configuration (OCI), named by its sha256
  references/<name>          one file per reference, percent-encoded, holding the image's id,
                             and for one that was pulled a line with its origin (JSON)
  tmp/<token>/               unfinished work, locked by whoever works on it
  locks/store.lock           held while names change; use.lock: shared by builds, held by removals; one per work
"""

from pathlib import Path
from typing import Final

from engine.errors import ImageError

DIGEST_PREFIX: Final = "sha256:"
TREE: Final = b"tree"
RECIPE: Final = b"recipe"
REPLACED: Final = b"replaced"
_HEXADECIMAL = frozenset("0123456789abcdef")
_DIGITS = 64


def hexadecimal(digest: str) -> str:
    """The digits of a digest; ImageError when it is none, so that no digest leads anywhere else."""
    digits = digest.removeprefix(DIGEST_PREFIX)
    if len(digest) != len(DIGEST_PREFIX) + _DIGITS or len(digits) != _DIGITS or not _HEXADECIMAL.issuperset(digits):
        raise ImageError(f"{digest!r} is no digest: sha256: with 64 hexadecimal digits is")
    return digits


def layer_home(root: Path, diff_id: str) -> Path:
    """The directory of everything about a layer."""
    return root / "layers" / hexadecimal(diff_id)


def layer_tree(root: Path, diff_id: str) -> Path:
    """The directory of a layer's files."""
    return layer_home(root, diff_id) / "tree"


def layer_facts(root: Path, diff_id: str) -> Path:
    """The file of what is known of a layer."""
    return layer_home(root, diff_id) / "layer.json"


def layer_blobs(root: Path, diff_id: str) -> Path:
    """The file of where a layer is known to be."""
    return layer_home(root, diff_id) / "blobs.json"


def image_document(root: Path, image_id: str) -> Path:
    """The file of an image's configuration."""
    return root / "images" / f"{hexadecimal(image_id)}.json"
