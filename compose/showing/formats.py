"""What `--format` makes of a list of things: a table, JSON, or what a template says of each."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from compose.errors import UsageError
from compose.showing.tables import aligned, table


class Shape(NamedTuple):
    """How one kind of thing is listed: the columns of its table, and the headers of all fields by name.

    As JSON, each thing is a line of its own, or all of them are one `array`.
    """

    columns: tuple[str, ...]
    headers: Mapping[str, str]
    array: bool = False


class Row(NamedTuple):
    """One thing: its fields by name, and the labels that a template may ask for (`{{.Label "x"}}`)."""

    fields: dict[str, Any]
    labels: Mapping[str, str] = {}


def require_format(output: str) -> None:
    """Raises UsageError for what is no format, before anything is looked at."""
    if output in {"", "table", "json"}:
        return
    if "{{" not in output:
        raise UsageError(
            f"--format {output}: no such choice",
            hint="choose one of: table, json, or a template such as '{{.Name}}' or 'table {{.Name}}'",
        )
    from compose.showing.templates.syntax import parse  # noqa: PLC0415 - few commands have a template

    parse(_source(output))


def listed(rows: Sequence[Row], output: str, shape: Shape) -> str:
    """The text to print. UsageError where a template asks for what is not there."""
    if output in {"", "table"}:
        header = [shape.headers[name] for name in shape.columns]
        return table(header, [[str(row.fields[name]) for name in shape.columns] for row in rows])
    if output == "json":
        encode = msgspec.json.encode
        if shape.array:
            return encode([row.fields for row in rows]).decode() + "\n"
        return "".join(encode(row.fields).decode() + "\n" for row in rows)
    from compose.showing.templates.evaluation import Template  # noqa: PLC0415 - few commands have a template
    from compose.showing.templates.functions import Record  # noqa: PLC0415 - likewise

    template = Template(_source(output))
    texts = [
        template.text(Record(row.fields, {"Label": lambda name, labels=row.labels: labels.get(name, "")}))
        for row in rows
    ]
    if output.startswith("table"):
        return aligned([template.header(shape.headers), *texts])
    return "".join(f"{text}\n" for text in texts)


def _source(output: str) -> str:
    """The template of a format, where tabs and ends of lines may be typed as they are in programs."""
    return output.removeprefix("table").strip(" ").replace("\\t", "\t").replace("\\n", "\n")
