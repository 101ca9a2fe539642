"""The services that a command is about."""

from graphlib import TopologicalSorter

from compose.deciding.options import Options
from compose.errors import UsageError
from compose.model import Service, Stack


def selected_services(stack: Stack, options: Options) -> tuple[Service, ...]:
    """The services that the command line names (all if none), with their dependencies, each after its own."""
    for name in (*options.services, *options.scale):
        require_service(stack, name)
    chosen: dict[str, Service] = {}
    pending = list(options.services or stack.services)
    while pending:
        service = stack.services.get(pending.pop())
        if service is None or service.name in chosen:
            continue
        chosen[service.name] = service
        if not options.no_dependencies:
            pending.extend(dependency.service for dependency in service.depends_on)
    ordered = {name: chosen[name] for name in stack.services if name in chosen}
    sorter = TopologicalSorter(
        {
            name: [dependency.service for dependency in service.depends_on if dependency.service in ordered]
            for name, service in ordered.items()
        }
    )
    return tuple(ordered[name] for name in sorter.static_order())


def require_service(stack: Stack, name: str) -> None:
    """Raises UsageError for a service that the file does not have."""
    if name not in stack.services:
        from compose.spelling import did_you_mean  # noqa: PLC0415 - only a mistake needs it

        known = ", ".join(stack.services) or "none"
        hint = did_you_mean(name, stack.services) or f"the services of stack {stack.name} are: {known}"
        raise UsageError(f"no such service: {name}", hint=hint)
