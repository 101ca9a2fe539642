"""The steps of an image as `history` lists them, with the fields that Docker gives them."""

from compose.showing.formats import Row, Shape
from compose.showing.image_rows import short_id, since
from compose.times import size_text, timestamp
from engine.versions.history import Version

WORDS = 45
HISTORY = Shape(
    columns=("ID", "CreatedSince", "CreatedBy", "Size", "Comment"),
    headers={
        "Author": "AUTHOR",
        "Comment": "COMMENT",
        "CreatedAt": "CREATED AT",
        "CreatedBy": "CREATED BY",
        "CreatedSince": "CREATED",
        "ID": "IMAGE",
        "Layer": "LAYER",
        "Size": "SIZE",
    },
)


def history_row(version: Version, *, now_ns: int, whole: bool = False, human: bool = True) -> Row:
    """One step; commands and ids are cut unless `whole`. Times and sizes are in words if for a `human`."""
    words = " ".join(version.created_by.split())
    image_id = version.image_id if whole else short_id(version.image_id)
    fields = {
        "Author": version.author,
        "Comment": version.comment,
        "CreatedAt": timestamp(version.created_ns)[:19] + "Z" if version.created_ns else "",
        "CreatedBy": words if whole or len(words) <= WORDS else f"{words[: WORDS - 1]}…",
        "CreatedSince": since(version.created_ns, now_ns),
        "ID": image_id or "<missing>",
        "Layer": version.layer,
        "Size": size_text(version.size_bytes) if human else str(version.size_bytes),
    }
    if not human:
        fields["CreatedSince"] = fields["CreatedAt"]
    return Row(fields)
