"""`windlass explain`."""

import json
import shutil
import sys
import textwrap
from typing import Annotated

from compose.cli.choices import one_of
from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.errors import UsageError
from compose.showing.explanations.catalogue import CATALOGUE
from compose.showing.explanations.model import Explanation


def command(
    session: Session,
    codes: Annotated[list[str] | None, Argument("Codes such as WL101; none: the list of all.")] = None,
    *,
    output: Annotated[str, Option("--format", tells="text or json.")] = "text",
) -> None:
    """Explains what the code of a problem means, or lists all codes."""
    del session  # there is no need of a stack
    one_of("--format", output, ("text", "json"))
    wanted = [_known(code) for code in codes] if codes else list(CATALOGUE.values())
    if output == "json":
        records = [each._asdict() for each in wanted]
        sys.stdout.write(json.dumps(records, indent=2, ensure_ascii=False) + "\n")
    elif codes:
        sys.stdout.write("\n".join(map(_text, wanted)))
    else:
        sys.stdout.writelines(f"{each.code}  {each.title}\n" for each in wanted)


def _known(code: str) -> Explanation:
    """The explanation of a code, however it is written: WL101, wl101, 101."""
    found = CATALOGUE.get(f"WL{code.upper().removeprefix('WL')}")
    if found is None:
        raise UsageError(f"there is no code '{code}'", hint="`windlass explain` lists them all")
    return found


def _text(explanation: Explanation) -> str:
    width = min(shutil.get_terminal_size().columns, 100)
    parts = [f"{explanation.code}: {explanation.title}\n\n", f"{textwrap.fill(explanation.text, width)}\n"]
    for title, example in (("Wrong", explanation.wrong), ("Right", explanation.right)):
        if example:
            parts.append(f"\n{title}:\n\n{textwrap.indent(example, '    ')}")
        if example and explanation.beside_wrong:
            beside = explanation.beside_wrong if title == "Wrong" else explanation.beside
            parts += [f"\n  with {name}:\n\n{textwrap.indent(content, '    ')}" for name, content in beside.items()]
    return "".join(parts)
