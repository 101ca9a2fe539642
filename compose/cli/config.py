"""`windlass config`."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from compose import naming
from compose.cli.choices import one_of
from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.errors import UsageError
from compose.model import Stack
from compose.nodes import Node
from compose.phases import Phases
from compose.reading.reader import read_written


def command(
    session: Session,
    services: Annotated[list[str] | None, Argument("Only these services, and what they depend on.")] = None,
    *,
    output: Annotated[str, Option("--format", tells="yaml or json.")] = "",
    quiet: Annotated[bool, Option("--quiet", "-q", tells="Check only.")] = False,
    to_file: Annotated[str, Option("--output", "-o", tells="Write to this file.")] = "",
    show_services: Annotated[bool, Option("--services", tells="The services' names.")] = False,
    show_volumes: Annotated[bool, Option("--volumes", tells="The volumes' keys.")] = False,
    show_networks: Annotated[bool, Option("--networks", tells="The networks' keys.")] = False,
    show_models: Annotated[bool, Option("--models", tells="The models' keys.")] = False,
    show_profiles: Annotated[bool, Option("--profiles", tells="The profiles' names.")] = False,
    show_images: Annotated[bool, Option("--images", tells="The images' names.")] = False,
    hash_of: Annotated[str, Option("--hash", tells="The hash of this service's definition; '*': of all.")] = "",
    show_variables: Annotated[bool, Option("--variables", tells="The variables in the files, their defaults.")] = False,
    show_environment: Annotated[bool, Option("--environment", tells="What files may use as variables.")] = False,
    no_interpolate: Annotated[bool, Option("--no-interpolate", tells="Keep the names of variables.")] = False,
    no_normalize: Annotated[bool, Option("--no-normalize", tells="Fill in no names, networks and the like.")] = False,
    no_paths: Annotated[bool, Option("--no-path-resolution", tells="Keep paths as they are written.")] = False,
    no_consistency: Annotated[bool, Option("--no-consistency", tells="Do not check that all fits together.")] = False,
    no_env: Annotated[bool, Option("--no-env-resolution", tells="Leave env files out of environments.")] = False,
    explain_env: Annotated[str, Option("--explain-env", tells="Where this service's variables come from.")] = "",
    show_values: Annotated[bool, Option("--show-values", tells="With --explain-env: secrets' values, too.")] = False,
    resolve_digests: Annotated[bool, Option("--resolve-image-digests", hidden=True)] = False,
    lock_digests: Annotated[bool, Option("--lock-image-digests", hidden=True)] = False,
) -> None:
    """Checks the file, prints it in its canonical form."""
    one_of("--format", output or "yaml", ("yaml", "json"))
    if resolve_digests or lock_digests:
        option = "--resolve-image-digests" if resolve_digests else "--lock-image-digests"
        raise UsageError(f"{option} is not supported yet", hint="digests come from registries, which are not read yet")
    chosen = {
        "services": show_services,
        "volumes": show_volumes,
        "networks": show_networks,
        "models": show_models,
        "hash": bool(hash_of),
        "profiles": show_profiles,
        "images": show_images,
        "variables": show_variables,
        "environment": show_environment,
    }
    wanted = next((name for name, flag in chosen.items() if flag), "nothing" if quiet else output or "yaml")
    names = tuple(services or ())
    phases = Phases(
        normalization=not no_normalize, paths=not no_paths, consistency=not no_consistency, environment=not no_env
    )
    if explain_env:
        from compose.cli.explain_env import explained  # noqa: PLC0415 - only this option needs it

        text = explained(session, explain_env, output, show_values=show_values)
    elif wanted == "variables" or (no_interpolate and wanted in {"services", "yaml", "json", "nothing"}):
        text = _written(read_written(session.read_request(names)._replace(phases=phases)), wanted, output)
    else:
        text = _text(session.stack(services=names, phases=phases), names, wanted, hash_of)
    if to_file:
        Path(to_file).write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


def _written(document: Node, wanted: str, output: str) -> str:
    """What is printed of files whose variables are still names."""
    from compose.printing.canonical import as_written  # noqa: PLC0415 - few options need it

    match wanted:
        case "services":
            return _lines(document.fields["services"].fields)
        case "variables":
            from compose.cli.variables import variables_text  # noqa: PLC0415 - likewise

            return variables_text(document, output)
        case "nothing":
            return ""
        case _:
            return _formatted(as_written(document), wanted)


def _text(stack: Stack, names: tuple[str, ...], wanted: str, hash_of: str) -> str:
    """What is printed; where several things are asked for, the first one in Compose's order."""
    match wanted:
        case "services" | "volumes" | "networks":
            return _lines(getattr(stack, wanted))
        case "models":
            return _lines(_models(stack))
        case "profiles":
            return _lines(_profiles(stack))
        case "images":
            return _lines(_images(_selected(stack, names)))
        case "hash":
            return _lines(_hashes(stack, hash_of))
        case "environment":
            return _lines(f"{name}={value}" for name, value in sorted(stack.variables.items()))
        case "nothing":
            return ""
        case _:
            return _canonical(_selected(stack, names), wanted)


def _lines(words: Iterable[str]) -> str:
    return "".join(f"{word}\n" for word in words)


def _selected(stack: Stack, names: tuple[str, ...]) -> Stack:
    from compose.reading.selection import selected  # noqa: PLC0415 - lists of names do without

    return selected(stack, names)


def _images(stack: Stack) -> Iterable[str]:
    return (
        service.image or naming.image_name(stack.name, service.name, stack.separator)
        for service in stack.services.values()
    )


def _profiles(stack: Stack) -> Iterable[str]:
    everyone = (*stack.services.values(), *stack.disabled.values())
    return sorted({profile for service in everyone for profile in service.profiles})


def _models(stack: Stack) -> Iterable[str]:
    models = stack.document.fields.get("models") if stack.document else None
    return models.fields if models else ()


def _hashes(stack: Stack, wanted: str) -> Iterable[str]:
    from compose.printing.service_hash import service_hash  # noqa: PLC0415 - only this option needs it

    names = sorted(_selected(stack, () if wanted == "*" else (wanted,)).services)
    return (f"{name} {service_hash(stack, name)}" for name in names if wanted in {"*", name})


def _canonical(stack: Stack, output: str) -> str:
    from compose.printing.canonical import canonical  # noqa: PLC0415 - not for lists of names

    return _formatted(canonical(stack, as_json=output == "json"), output)


def _formatted(values: dict[str, Any], output: str) -> str:
    if output == "json":
        from compose.printing.jsontext import json_text  # noqa: PLC0415 - not for YAML

        return json_text(values)
    from compose.printing.yamltext import yaml_text  # noqa: PLC0415 - not for JSON

    return yaml_text(values)
