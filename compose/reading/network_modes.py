"""Settles whose network a service is on: its own, that of the host, of another container, or none."""

from collections.abc import Iterator, Mapping

from msgspec import structs

from compose import codes, naming
from compose.errors import Problem
from compose.model import Dependency, Network, Service, ServiceNetwork, Stack
from compose.spelling import did_you_mean

BRIDGE = "bridge"
_PREDEFINED = {"host": "host", "none": "none", "null": "none"}
_SHARED = ("service:", "container:")


def with_settled_modes(stack: Stack) -> Stack:
    """The stack where `network_mode` is empty, "host", "none", "service:NAME" or "container:NAME".

    `network_mode: bridge` becomes a network of the stack's own that all who say so are on; being on a network that is
    the host's or none becomes that mode. Whoever shares a container's network depends on its service.
    """
    modes = {key: mode for key, network in stack.networks.items() if (mode := _mode_of(network))}
    if not modes and not any(service.network_mode for service in stack.services.values()):
        return stack
    services = {name: _settled(stack, service, modes) for name, service in stack.services.items()}
    networks = {key: network for key, network in stack.networks.items() if key not in modes}
    if any(wish.network == BRIDGE for service in services.values() for wish in service.networks):
        networks.setdefault(BRIDGE, Network(key=BRIDGE, name=f"{stack.name}_{BRIDGE}"))
    return structs.replace(
        stack, services=services, networks=networks, warnings=(*stack.warnings, *_warnings(stack, services))
    )


def check_modes(stack: Stack) -> Iterator[Problem]:
    """What cannot be, given whose network a service is on; the modes are settled."""
    for service in stack.services.values():
        if service.network_mode:
            yield from _check(stack, service)


def container_names(stack: Stack) -> dict[str, str]:
    """The service of each container that the file describes, by the container's name."""
    return {
        service.container_name or naming.container_name(stack.name, service.name, number, stack.separator): service.name
        for service in stack.services.values()
        for number in range(1, max(service.replicas, 1) + 1)
    }


def _mode_of(network: Network) -> str:
    """What being on a network means that is no network of the stack's; empty for one that is."""
    if network.external:
        return network.name if network.name in ("host", "none", BRIDGE) else ""
    return _PREDEFINED.get(network.driver, "")


def _settled(stack: Stack, service: Service, modes: Mapping[str, str]) -> Service:
    mode = service.network_mode
    if service.networks:
        if mode:
            return service  # a contradiction, which is told
        found = [modes[wish.network] for wish in service.networks if wish.network in modes]
        mode = found[0] if found else ""
        if not mode or (len(service.networks) > 1 and mode != BRIDGE):
            return structs.replace(service, network_mode=mode)
        rest = tuple(wish for wish in service.networks if wish.network not in modes)
    else:
        rest = ()
    if mode in (BRIDGE, "default"):
        return structs.replace(service, network_mode="", networks=(*rest, ServiceNetwork(network=BRIDGE)))
    named = next((key for key, network in stack.networks.items() if mode == network.name), "")
    if named and named not in modes:
        return structs.replace(service, network_mode="", networks=(ServiceNetwork(network=named),))
    service = structs.replace(service, network_mode=mode, networks=())
    owner = container_names(stack).get(mode.removeprefix("container:"), "") if mode.startswith("container:") else ""
    if owner and owner != service.name and all(each.service != owner for each in service.depends_on):
        dependency = Dependency(service=owner, restart=True)
        service = structs.replace(service, depends_on=(*service.depends_on, dependency))
    return service


def _warnings(stack: Stack, services: Mapping[str, Service]) -> Iterator[Problem]:
    for name, service in services.items():
        if service.network_mode in ("host", "none") and service.ports:
            message = f"services.{name}.ports is without effect on network_mode: {service.network_mode}"
            yield Problem(stack.place("services", name, "ports"), message, "delete the ports", codes.NO_EFFECT)
        if service.network_mode == "host" and any(_is_low(text) for text in _ports(service)):
            message = f"services.{name}: in the host's network its programs may not listen on ports below 1024"
            hint = "have it listen on another port, or publish the port from a network of the stack's own"
            yield Problem(stack.place("services", name, "network_mode"), message, hint, codes.NO_EFFECT)


def _ports(service: Service) -> Iterator[str]:
    yield from (str(port.target) for port in service.ports)
    yield from (text.partition("/")[0].partition("-")[0] for text in service.expose)


def _is_low(text: str) -> bool:
    return text.isdecimal() and int(text) < 1024


def _check(stack: Stack, service: Service) -> Iterator[Problem]:
    mode = service.network_mode
    place = stack.place("services", service.name, "network_mode")
    said = f"services.{service.name}"
    if service.networks:
        message = f"{said} has both network_mode '{mode}' and networks"
        yield Problem(place, message, "keep one of the two", codes.CONTRADICTION)
        return
    known = container_names(stack)
    if mode.startswith("container:") and mode.removeprefix("container:") not in known:
        message = f"{said}.network_mode: sharing the network of a container of another stack is not supported yet"
        hint = did_you_mean(mode.removeprefix("container:"), known) or "share one of this stack's: `service:NAME`"
        yield Problem(place, message, hint, codes.NOT_YET)
    elif not mode.startswith(_SHARED) and mode not in ("host", "none"):
        hint = did_you_mean(mode, ("bridge", "host", "none", *(network.name for network in stack.networks.values())))
        message = f"{said}.network_mode: there is no network '{mode}' in this stack"
        yield Problem(place, message, hint or "use bridge, host, none, service:NAME or `networks:`", codes.NO_START)
    if mode.startswith(_SHARED):
        for key, value in (("ports", service.ports), ("mac_address", service.mac_address), ("dns", service.dns)):
            if value:
                message = f"{said}.{key} cannot be, for its network is that of {mode.partition(':')[2]}"
                hint = f"give '{key}' to that one"
                yield Problem(stack.place("services", service.name, key), message, hint, codes.NO_START)
