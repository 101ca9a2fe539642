"""Decodes how a service's image is built."""

import os
from collections.abc import Iterator, Mapping
from typing import Final

from compose import codes
from compose.decoding.findings import Findings
from compose.decoding.limits import ulimits
from compose.decoding.values import NOTHING, flag, text, texts, words
from compose.model import Build
from compose.nodes import Node

DOCKER_IMAGE: Final = "docker-image://"
SERVICE: Final = "service:"
_NETWORKS: Final = ("", "default", "none", "host")
_ENTITLEMENTS: Final = ("network.host", "security.insecure")
_MACHINES: Final = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm/v7", "i686": "386"}
_OWN_CACHE: Final = "builds take their steps from this host's own cache, and keep them there"


def build(fields: Mapping[str, Node], path: str, findings: Findings) -> Build:
    """One service's build; `path` is the build's in messages."""
    _hinder_what_cannot_be(fields, path, findings)
    _tell_what_has_no_effect(fields, path, findings)
    size = text(fields, "shm_size")
    network = text(fields, "network")
    return Build(
        context=text(fields, "context"),
        dockerfile=text(fields, "dockerfile"),
        dockerfile_inline=text(fields, "dockerfile_inline") if "dockerfile_inline" in fields else None,
        args=dict(texts(fields.get("args"))),
        target=text(fields, "target"),
        labels=texts(fields.get("labels")),
        tags=words(fields.get("tags")) or (),
        no_cache=flag(fields, "no_cache"),
        no_cache_filter=words(fields.get("no_cache_filter")) or (),
        pull=flag(fields, "pull"),
        contexts=texts(fields.get("additional_contexts")),
        secrets=tuple(_secrets(fields)),
        ssh=tuple((name, str(node.value or "")) for name, node in fields.get("ssh", NOTHING).fields.items()),
        network="" if network == "default" else network,
        extra_hosts=tuple(_host(entry) for entry in words(fields.get("extra_hosts")) or ()),
        shm_size_bytes=int(size) if size and int(size) > 0 else None,
        ulimits=tuple(ulimits(fields, path, findings)),
        privileged=flag(fields, "privileged"),
        entitlements=words(fields.get("entitlements")) or (),
    )


def _hinder_what_cannot_be(fields: Mapping[str, Node], path: str, findings: Findings) -> None:
    _hinder_addresses(fields, path, findings)
    network = text(fields, "network")
    if network not in _NETWORKS:
        message = f"{path}.network cannot be '{network}': a build has a network of its own"
        findings.hinder(fields["network"], message, "use default, none or host")
    for entry in fields.get("entitlements", NOTHING).entries:
        if entry.value not in _ENTITLEMENTS:
            hint = f"there are {' and '.join(_ENTITLEMENTS)}"
            findings.hinder(entry, f"{path}.entitlements: there is none called '{entry.value}'", hint)
    machine = os.uname().machine
    own = f"linux/{_MACHINES.get(machine, machine)}"
    for entry in fields.get("platforms", NOTHING).entries:
        if str(entry.value).partition("/v8")[0] not in (own, own.partition("/")[2]):
            message = f"{path}.platforms: an image for {entry.value} cannot be built here: this host is {own}"
            findings.hinder(entry, message, "delete the line, or build on such a host", codes.NO_START)


def _tell_what_has_no_effect(fields: Mapping[str, Node], path: str, findings: Findings) -> None:
    for key in ("cache_from", "cache_to"):
        if fields.get(key, NOTHING).entries:
            findings.warn(fields[key], f"{path}.{key} has no effect: {_OWN_CACHE}")
    for key in ("provenance", "sbom"):
        if text(fields, key) not in ("", "false"):
            findings.warn(fields[key], f"{path}.{key} has no effect: windlass attests nothing about its images")
    if text(fields, "isolation") not in ("", "default"):
        findings.warn(fields["isolation"], f"{path}.isolation has no effect: it is for Windows")


def _hinder_addresses(fields: Mapping[str, Node], path: str, findings: Findings) -> None:
    context = text(fields, "context")
    if not context.startswith("/"):
        hint = "fetch it first, for example with git clone, and name the directory"
        message = f"{path}.context is an address ('{context}'): windlass builds from directories"
        findings.hinder(fields["context"], message, hint)
    for name, node in fields.get("additional_contexts", NOTHING).fields.items():
        place = str(node.value)
        if not place.startswith(("/", DOCKER_IMAGE, SERVICE)):
            hint = f"use a directory, {DOCKER_IMAGE}NAME or {SERVICE}NAME"
            findings.hinder(node, f"{path}.additional_contexts.{name} is an address ('{place}')", hint)


def _secrets(fields: Mapping[str, Node]) -> Iterator[tuple[str, str]]:
    for entry in fields.get("secrets", NOTHING).entries:
        source = text(entry.fields, "source")
        yield text(entry.fields, "target") or source, source


def _host(entry: str) -> tuple[str, str]:
    name, _, address = entry.partition("=")
    return name, address
