"""Fills in what a merged document leaves to Compose: names, the default network, implied dependencies, environments."""

from collections.abc import Mapping

from compose.environments import EnvFiles, build_arguments
from compose.nodes import Node

_KINDS = ("networks", "volumes", "secrets", "configs")


def normal(
    document: Node, *, project: str, variables: Mapping[str, str], env_files: EnvFiles, enabled: frozenset[str]
) -> Node:
    """The document with nothing left to guess; env files are read for the `enabled` services alone."""
    fields = dict(document.fields)
    fields["name"] = fields.get("name", document)._replace(value=project)
    services = (
        {
            name: _service(node, variables, env_files if name in enabled else None)
            for name, node in document.fields["services"].fields.items()
        }
        if "services" in fields
        else {}
    )
    fields["services"] = fields.get("services", document)._replace(value=services)
    if any("default" in _names(service, "networks") for service in services.values()):
        networks = fields.get("networks", Node({}, document.place))
        fields["networks"] = networks._replace(value={"default": Node({}, document.place), **networks.fields})
    for kind in _KINDS:
        if kind in fields:
            resources = {key: _named(node, key, project) for key, node in fields[kind].fields.items()}
            fields[kind] = fields[kind]._replace(value=resources)
    return document._replace(value=fields)


def _names(service: Node, key: str) -> Mapping[str, Node]:
    node = service.fields.get(key)
    return node.fields if node else {}


def _named(resource: Node, key: str, project: str) -> Node:
    if "name" in resource.fields:
        return resource
    external = resource.fields.get("external")
    name = key if external is not None and external.value is True else f"{project}_{key}"
    return resource._replace(value={"name": Node(name, resource.place), **resource.fields})


def _service(service: Node, variables: Mapping[str, str], env_files: EnvFiles | None) -> Node:
    fields = dict(service.fields)
    if not _names(service, "networks") and "network_mode" not in fields:
        place = fields.get("networks", service).place
        fields["networks"] = Node({"default": Node(None, place)}, place)
    links = fields.get("links")
    if links is not None and links.entries:
        fields["depends_on"] = _with_links(fields.get("depends_on"), links)
    if "build" in fields:
        fields["build"] = build_arguments(fields["build"], variables)
    if env_files is not None and ("env_file" in fields or "environment" in fields):
        place = fields.get("environment", service).place
        fields["environment"] = Node(env_files.environment(service), place)
    return service._replace(value=fields)


def _with_links(depends_on: Node | None, links: Node) -> Node:
    """A link makes its service a dependency that takes its dependants along when it is restarted."""
    fields = dict(depends_on.fields) if depends_on else {}
    for link in links.entries:
        values: dict[str, str | bool] = {"condition": "service_started", "restart": True, "required": True}
        implied = Node({key: Node(value, link.place) for key, value in values.items()}, link.place)
        fields.setdefault(str(link.value).partition(":")[0], implied)
    return Node(fields, depends_on.place if depends_on else links.place)
