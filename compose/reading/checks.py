"""Checks that the parts of a stack fit together, across services, networks and volumes."""

from collections.abc import Iterator, Mapping

from compose import codes
from compose.errors import Problem
from compose.grammar.ports import port_range
from compose.model import Service, Stack
from compose.nodes import Node
from compose.places import Place
from compose.reading.build_checks import check_builds
from compose.reading.conflicts import conflicts
from compose.reading.dependencies import cycles, has_cycle
from compose.reading.namespace_modes import check_namespaces
from compose.reading.network_checks import check_networks
from compose.reading.network_modes import check_modes
from compose.reading.value_checks import check_values
from compose.spelling import did_you_mean

_RESTARTS = ("no", "always", "unless-stopped", "on-failure")

_NOTHING = Node({}, Place(""))


def check(stack: Stack) -> list[Problem]:
    """Everything about a decoded stack that cannot work."""
    problems: list[Problem] = []
    for service in stack.services.values():
        problems += _image(stack, service)
        problems += _references(stack, service)
        problems += _dependencies(stack, service)
        problems += _single_values(stack, service)
        problems += _never_healthy(stack, service)
        if stack.document is not None:
            problems += check_values(service.name, stack.document.fields["services"].fields[service.name])
    if any(network.subnet or network.subnet6 for network in stack.networks.values()) or _has_fixed_address(stack):
        from compose.reading.subnets import check_subnets  # noqa: PLC0415 - few stacks choose their addresses

        problems += check_subnets(stack)
    problems += check_modes(stack)
    problems += check_networks(stack)
    problems += check_namespaces(stack)
    problems += conflicts(stack)
    if has_cycle(stack.services):
        problems += _cycles(stack)
    return problems


def _image(stack: Stack, service: Service) -> Iterator[Problem]:
    if not service.image and service.build is None and not _has_provider(stack, service):
        hint = "add `image:` with a name, or `build:` with the directory of a Dockerfile"
        place = stack.place("services", service.name)
        yield Problem(place, f"services.{service.name} has neither 'image' nor 'build'", hint, codes.NO_IMAGE)


def _has_provider(stack: Stack, service: Service) -> bool:
    document = stack.document
    return document is not None and "provider" in document.fields["services"].fields[service.name].fields


def _references(stack: Stack, service: Service) -> Iterator[Problem]:
    for attachment in service.networks:
        if attachment.network not in stack.networks:
            yield _undefined(stack, service, "networks", attachment.network, attachment.network)
    for index, mount in enumerate(service.mounts):
        if mount.type == "volume" and mount.source and mount.source not in stack.volumes:
            yield _undefined(stack, service, "volumes", index, mount.source)
    for kind, grants in (("configs", service.configs), ("secrets", service.secrets)):
        for index, grant in enumerate(grants):
            if grant.source not in getattr(stack, kind):
                yield _undefined(stack, service, kind, index, grant.source)
    yield from _document_references(stack, service)


def _document_references(stack: Stack, service: Service) -> Iterator[Problem]:
    """What is only read: models, and the secrets of builds."""
    if stack.document is None:
        return
    fields = stack.document.fields["services"].fields[service.name].fields
    services = stack.document.fields["services"].fields
    yield from check_builds(service.name, services[service.name], {name: services[name] for name in stack.services})
    known = stack.document.fields.get("models", _NOTHING).fields
    for name in fields.get("models", _NOTHING).fields:
        if name not in known:
            yield _undefined(stack, service, "models", name, name, known)
    for index, grant in enumerate(fields.get("build", _NOTHING).fields.get("secrets", _NOTHING).entries):
        name = str(grant.fields["source"].value) if "source" in grant.fields else ""
        if name not in stack.secrets:
            yield _undefined(stack, service, "secrets", index, name, stack.secrets, ("build",))


def _undefined(
    stack: Stack,
    service: Service,
    kind: str,
    step: str | int,
    name: str,
    known: Mapping[str, object] | None = None,
    within: tuple[str, ...] = (),
) -> Problem:
    hint = (
        did_you_mean(name, getattr(stack, kind) if known is None else known)
        or f"add '{name}:' below the file's `{kind}:`"
    )
    if kind == "volumes" and "/" in name:
        hint = f"a path on the host begins with ./, / or ~: write ./{name}"
    place = stack.place("services", service.name, *within, kind, step)
    message = f"services.{service.name} uses the {kind[:-1]} '{name}', which is not defined"
    return Problem(place, message, hint, codes.UNDEFINED)


def _dependencies(stack: Stack, service: Service) -> Iterator[Problem]:
    for dependency in service.depends_on:
        name = dependency.service
        if name in stack.services or (name in stack.disabled and not dependency.required):
            continue
        place = stack.place("services", service.name, "depends_on", name)
        if name in stack.disabled:
            profiles = " or ".join(stack.disabled[name].profiles)
            hint = f"activate the profile {profiles} (--profile), or write `required: false` for this dependency"
            message = f"services.{service.name} depends on '{name}', which no active profile enables"
            code = codes.DISABLED_SERVICE
        else:
            known = [*stack.services, *stack.disabled]
            hint = did_you_mean(name, known) or f"the services are {', '.join(known)}"
            message = f"services.{service.name} depends on '{name}', which is no service of this stack"
            code = codes.UNKNOWN_SERVICE
        yield Problem(place, message, hint, code)


def _never_healthy(stack: Stack, service: Service) -> Iterator[Problem]:
    """Dependencies on the health of a service that has no health check, whatever its image says."""
    for dependency in service.depends_on:
        other = stack.services.get(dependency.service)
        if dependency.condition != "service_healthy" or other is None:
            continue
        check = other.healthcheck
        if check is not None and (check.disable or check.test[:1] == ("NONE",)):
            reason = "switches its health check off"
        elif check is None and other.build is None and other.image.startswith("debootstrap:"):
            reason = "has no health check"
        else:
            continue
        place = stack.place("services", service.name, "depends_on", other.name, "condition")
        there = stack.place("services", other.name, "healthcheck")
        message = f"services.{service.name} waits until '{other.name}' is healthy, but that {reason}"
        hint = f"give {other.name} a `healthcheck:`, or wait with `condition: service_started`"
        yield Problem(place, message, hint, codes.NEVER_HEALTHY, (there,))


def _single_values(stack: Stack, service: Service) -> Iterator[Problem]:
    restart, _, retries = service.restart.partition(":")
    place = stack.place("services", service.name, "restart")
    if restart not in _RESTARTS or (":" in service.restart and (restart != "on-failure" or not retries.isdecimal())):
        hint = did_you_mean(restart, _RESTARTS) or "use no, always, unless-stopped, on-failure or on-failure:3"
        yield Problem(
            place, f"services.{service.name}.restart cannot be '{service.restart}'", hint, codes.WRONG_RESTART
        )
    if service.stop_signal and not _is_signal(service.stop_signal):
        place = stack.place("services", service.name, "stop_signal")
        message = f"services.{service.name}.stop_signal: there is no signal '{service.stop_signal}'"
        hint = did_you_mean(service.stop_signal.upper(), _signals()) or "kill -l lists them"
        yield Problem(place, message, hint, codes.WRONG_SIGNAL)
    for key, given in (("cap_add", service.cap_add), ("cap_drop", service.cap_drop)):
        for index, name in enumerate(given):
            known = _capabilities()
            if name.upper().removeprefix("CAP_") not in known:
                place = stack.place("services", service.name, key, index)
                hint = (
                    did_you_mean(name.upper().removeprefix("CAP_"), known) or "capabilities(7) lists them, or write ALL"
                )
                yield Problem(
                    place,
                    f"services.{service.name}.{key}: there is no capability '{name}'",
                    hint,
                    codes.WRONG_CAPABILITY,
                )
    if service.cpus is not None and service.cpus < 0:
        place = stack.place("services", service.name, "cpus")
        message = f"services.{service.name}.cpus must be more than 0"
        yield Problem(place, message, "write a number such as 0.5", codes.OUT_OF_RANGE)
    for index, text in enumerate(service.expose):
        try:
            port_range(text.partition("/")[0])
        except ValueError as error:
            place = stack.place("services", service.name, "expose", index)
            message = f"services.{service.name}.expose[{index}] {error}"
            yield Problem(place, message, "write a port, or a range such as 8000-8005", codes.WRONG_PORT)
    if service.container_name and service.replicas > 1:
        place = stack.place("services", service.name, "container_name")
        message = f"services.{service.name} has {service.replicas} replicas, but a container_name is for one"
        yield Problem(place, message, "delete container_name, or run one replica", codes.ONE_FOR_MANY)


def _capabilities() -> tuple[str, ...]:
    from engine.capabilities import NAMES  # noqa: PLC0415 - few stacks name a capability

    return (*NAMES, "ALL")


def _signals() -> tuple[str, ...]:
    from signal import Signals  # noqa: PLC0415 - only a mistake needs it

    return tuple(each.name for each in Signals)


def _is_signal(text: str) -> bool:
    from engine.signals import signal_number  # noqa: PLC0415 - few stacks name a signal

    try:
        return signal_number(text) > 0
    except ValueError:
        return False


def _has_fixed_address(stack: Stack) -> bool:
    return any(
        attachment.ipv4_address or attachment.ipv6_address or attachment.link_local_ips
        for service in stack.services.values()
        for attachment in service.networks
    )


def _cycles(stack: Stack) -> Iterator[Problem]:
    for cycle in cycles(stack.services):
        edges = list(zip(cycle, (*cycle[1:], cycle[0]), strict=True))
        places = [stack.place("services", name, "depends_on", other) for name, other in edges]
        way = " -> ".join((*cycle, cycle[0]))
        steps = "; ".join(f"{name} needs {other} ({place})" for (name, other), place in zip(edges, places, strict=True))
        message = f"services wait for each other in a circle: {way}"
        yield Problem(places[0], message, f"break one of: {steps}", codes.CIRCLE, tuple(places[1:]))
