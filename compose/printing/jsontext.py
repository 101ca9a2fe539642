"""Plain values as JSON with the escapes of Go's printer, which Docker Compose's output and hashes are made by."""

import json
from typing import Any

_ESCAPES = {ord(mark): f"\\u{ord(mark):04x}" for mark in "<>&\u2028\u2029"}  # they stand only inside of texts


def json_text(values: Any) -> str:
    """A document with two spaces of indentation, in the order of its mappings; ends with a newline."""
    return json.dumps(values, indent=2, ensure_ascii=False).translate(_ESCAPES) + "\n"


def json_line(values: Any) -> str:
    """The same without any space."""
    return json.dumps(values, separators=(",", ":"), ensure_ascii=False).translate(_ESCAPES)
