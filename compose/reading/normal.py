"""Fills in what a merged document leaves to Compose: names, the default network, implied dependencies, environments."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from compose.nodes import Node, Value
from compose.reading.environments import EnvFiles, build_arguments

_SHARED = ("network_mode", "ipc", "pid", "uts", "cgroup")  # namespaces that may be another service's
_KINDS = ("networks", "volumes", "secrets", "configs")


class Project(NamedTuple):
    """The project that a document describes: its name, and the directory that relative paths begin in."""

    name: str
    directory: str


def with_environments(document: Node, *, env_files: EnvFiles, enabled: frozenset[str]) -> Node:
    """The document with env files and variables in the environments of the `enabled` services."""
    services = document.fields.get("services", Node({}, document.place))
    resolved = {
        name: _with_environment(node, env_files) if name in enabled else node for name, node in services.fields.items()
    }
    return document.with_value({**document.fields, "services": services.with_value(resolved)})


def _with_environment(service: Node, env_files: EnvFiles) -> Node:
    fields = dict(service.fields)
    if "env_file" in fields or "environment" in fields:
        place = fields.get("environment", service).place
        fields["environment"] = Node(env_files.environment(service), place)
    if "label_file" in fields:
        place = fields.get("labels", fields["label_file"]).place
        fields["labels"] = Node(env_files.labels(service), place)
    return service.with_value(fields)


def completed(document: Node, *, project: Project, variables: Mapping[str, str]) -> Node:
    """The document with names, the default network, implied dependencies, values of arguments of builds."""
    fields = dict(document.fields)
    fields["name"] = fields.get("name", document).with_value(project.name)
    services = fields.get("services", Node({}, document.place))
    fields["services"] = services = services.with_value(
        {name: _service(node, project, variables) for name, node in services.fields.items()}
    )
    if any("default" in _child(service, "networks").fields for service in services.fields.values()):
        networks = fields.get("networks", Node({}, document.place))
        fields["networks"] = networks.with_value({"default": Node({}, document.place), **networks.fields})
    for kind in _KINDS:
        if kind in fields:
            resources = {key: _named(node, key, project) for key, node in fields[kind].fields.items()}
            fields[kind] = fields[kind].with_value(resources)
    return document.with_value(fields)


def _child(node: Node, key: str) -> Node:
    return node.fields.get(key) or Node({}, node.place)


def _with_defaults(node: Node, **defaults: Value) -> Node:
    missing = {key: Node(value, node.place) for key, value in defaults.items() if key not in node.fields}
    return node.with_value({**node.fields, **missing})


def _named(resource: Node, key: str, project: Project) -> Node:
    external = resource.fields.get("external")
    name = key if external is not None and external.value is True else f"{project.name}_{key}"
    return _with_defaults(resource, name=name)


def _service(service: Node, project: Project, variables: Mapping[str, str]) -> Node:
    fields = dict(service.fields)
    alone = "network_mode" in fields or "provider" in fields
    if not alone and not _child(service, "networks").fields:
        place = fields.get("networks", service).place
        fields["networks"] = Node({"default": Node(None, place)}, place)
    if "secrets" in fields:
        entries = tuple(_with_defaults(entry, target=_secret_target(entry)) for entry in fields["secrets"].entries)
        fields["secrets"] = fields["secrets"].with_value(entries)
    implied = list(_implied(service))
    if implied or "depends_on" in fields:
        fields["depends_on"] = _dependencies(_child(service, "depends_on"), implied)
    if "extra_hosts" in fields:  # sorted again: files may have laid theirs over one another
        hosts = fields["extra_hosts"]
        fields["extra_hosts"] = hosts.with_value(tuple(sorted(hosts.entries, key=lambda entry: str(entry.value))))
    if "build" in fields:
        fields["build"] = _build(build_arguments(fields["build"], variables), project)
    return service.with_value(fields)


def _build(build: Node, project: Project) -> Node:
    build = _with_defaults(build, context=project.directory)
    return build if "dockerfile_inline" in build.fields else _with_defaults(build, dockerfile="Dockerfile")


def _secret_target(grant: Node) -> str:
    return f"/run/secrets/{_child(grant, 'source').value}"


def _implied(service: Node) -> Iterator[tuple[str, Node, bool]]:
    """What a service depends on without saying so: name, where that stands, whether it is restarted along."""
    for link in _child(service, "links").entries:
        yield str(link.value).partition(":")[0], link, True
    for key in _SHARED:
        shared = service.fields.get(key)
        if shared is not None and str(shared.value).startswith("service:"):
            yield str(shared.value).removeprefix("service:"), shared, True
    for source in _child(service, "volumes_from").entries:
        if not str(source.value).startswith("container:"):
            yield str(source.value).partition(":")[0], source, False


def _dependencies(depends_on: Node, implied: list[tuple[str, Node, bool]]) -> Node:
    fields = {name: _with_defaults(details, required=True) for name, details in depends_on.fields.items()}
    for name, node, restart in implied:
        along = {"restart": Node(value=True, place=node.place)} if restart else {}
        details = _with_defaults(Node(along, node.place, node.place), condition="service_started", required=True)
        fields.setdefault(name, details)
    return depends_on.with_value(fields)
