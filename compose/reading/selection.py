"""The part of a stack that some services need: themselves, and what they depend on."""

from msgspec import structs

from compose.errors import UsageError
from compose.model import Stack
from compose.spelling import did_you_mean


def selected(stack: Stack, service_names: tuple[str, ...]) -> Stack:
    """The stack with these services, their dependencies, and the networks and volumes of both; all for no names.

    Raises UsageError for names that are no service's.
    """
    if not service_names:
        return stack
    for name in service_names:
        if name not in stack.services:
            hint = did_you_mean(name, stack.services) or f"the services are: {', '.join(stack.services)}"
            raise UsageError(f"the stack has no service '{name}'", hint=hint)
    needed: set[str] = set()
    waiting = list(service_names)
    while waiting:
        name = waiting.pop()
        if name in stack.services and name not in needed:
            needed.add(name)
            waiting += [dependency.service for dependency in stack.services[name].depends_on]
    services = {name: service for name, service in stack.services.items() if name in needed}
    return with_used_resources(structs.replace(stack, services=services))


def with_used_resources(stack: Stack) -> Stack:
    """The stack without what no enabled service uses: Compose does not make them either."""
    services = stack.services.values()
    networks = {attachment.network for service in services for attachment in service.networks}
    volumes = {mount.source for service in services for mount in service.mounts if mount.type == "volume"}
    configs = {grant.source for service in services for grant in service.configs}
    secrets = {grant.source for service in services for grant in service.secrets}
    secrets |= {key for service in services if service.build for _, key in service.build.secrets}
    return structs.replace(
        stack,
        networks={key: network for key, network in stack.networks.items() if key in networks},
        volumes={key: volume for key, volume in stack.volumes.items() if key in volumes},
        configs={key: config for key, config in stack.configs.items() if key in configs},
        secrets={key: secret for key, secret in stack.secrets.items() if key in secrets},
    )
