"""`windlass config`."""

import json
import sys
from pathlib import Path
from typing import Annotated

from compose import naming
from compose.cli.choices import one_of
from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.model import Stack


def command(
    session: Session,
    services: Annotated[list[str] | None, Argument("Enable these services' profiles.")] = None,
    *,
    output: Annotated[str, Option("--format", tells="yaml or json.")] = "yaml",
    quiet: Annotated[bool, Option("--quiet", "-q", tells="Check only.")] = False,
    to_file: Annotated[str, Option("--output", "-o", tells="Write to this file.")] = "",
    show_services: Annotated[bool, Option("--services", tells="The services' names.")] = False,
    show_volumes: Annotated[bool, Option("--volumes", tells="The volumes' keys.")] = False,
    show_networks: Annotated[bool, Option("--networks", tells="The networks' keys.")] = False,
    show_images: Annotated[bool, Option("--images", tells="The images' names.")] = False,
    show_profiles: Annotated[bool, Option("--profiles", tells="The profiles' names.")] = False,
) -> None:
    """Checks the file, prints it in its canonical form."""
    one_of("--format", output, ("yaml", "json"))
    stack = session.stack(services=tuple(services or ()))
    if quiet:
        return
    if show_services:
        text = _lines(list(stack.services))
    elif show_volumes:
        text = _lines(list(stack.volumes))
    elif show_networks:
        text = _lines(list(stack.networks))
    elif show_images:
        text = _lines(
            [service.image or naming.image_name(stack.name, service.name) for service in stack.services.values()]
        )
    elif show_profiles:
        everyone = (*stack.services.values(), *stack.disabled.values())
        text = _lines(sorted({profile for service in everyone for profile in service.profiles}))
    else:
        text = _canonical(stack, output)
    if to_file:
        Path(to_file).write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


def _lines(words: list[str]) -> str:
    return "".join(f"{word}\n" for word in words)


def _canonical(stack: Stack, output: str) -> str:
    from compose.canonical import canonical  # noqa: PLC0415 - not for lists of names

    values = canonical(stack, as_json=output == "json")
    if output == "json":
        return json.dumps(values, indent=2, ensure_ascii=False) + "\n"
    from compose.yamltext import yaml_text  # noqa: PLC0415 - not for JSON

    return yaml_text(values)
