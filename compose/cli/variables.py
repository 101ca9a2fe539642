"""`windlass config --variables`."""

import json

from compose.grammar.expressions import Variable, variables_of
from compose.nodes import Node
from compose.printing.yamltext import yaml_text

_HEADINGS = ("NAME", "REQUIRED", "DEFAULT VALUE", "ALTERNATE VALUE")
_NARROWEST = 20


def variables_text(document: Node, output: str) -> str:
    """The variables that stand in a document: a table, or `output` yaml or json with Compose's keys."""
    variables = sorted(variables_of(document).values())
    if output == "json":
        return json.dumps({each.name: _record(each) for each in variables}, indent=4, ensure_ascii=False) + "\n"
    if output == "yaml":
        return yaml_text(
            {each.name: {key.lower(): value for key, value in _record(each).items()} for each in variables}
        )
    rows = [_HEADINGS, *((each.name, str(each.required).lower(), each.default, each.alternate) for each in variables)]
    widths = [max(_NARROWEST, *(len(row[column]) + 3 for row in rows)) for column in range(3)]
    return "".join(
        "".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)) + row[3] + "\n" for row in rows
    )


def _record(variable: Variable) -> dict[str, str | bool]:
    return {
        "Name": variable.name,
        "DefaultValue": variable.default,
        "PresenceValue": variable.alternate,
        "Required": variable.required,
    }
