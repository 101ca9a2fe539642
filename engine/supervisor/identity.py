"""Decides the files by which a container knows itself: /etc/hosts, /etc/hostname, /etc/resolv.conf."""

from collections.abc import Iterable, Mapping

from engine.spec import ContainerSpec, Resolver
from engine.supervisor.zones import addresses_of
from net.spec import Attachment

RESOLVER_ADDRESS = "127.0.0.11"
HOST_GATEWAY = "host-gateway"

_HOSTS = """\
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
"""


def identity_files(
    spec: ContainerSpec, attachments: Iterable[Attachment], search: Iterable[str] = (), host_gateway: str = ""
) -> Mapping[str, str]:
    """The files' contents by name.

    `search` holds the host's search domains (resolv.conf(5)), `host_gateway` is where the container reaches the host.
    """
    attachments = tuple(attachments)
    names = own_names(spec)
    addresses = [address for each in attachments for address in addresses_of(each)] or ["127.0.1.1"]
    hosts = _HOSTS + "".join(f"{address}\t{names}\n" for address in addresses) + extra_hosts(spec, host_gateway)
    servers = (RESOLVER_ADDRESS,) if attachments else spec.resolver.servers
    return {
        "hosts": hosts,
        "hostname": f"{spec.hostname}\n",
        "resolv.conf": resolv_conf(spec.resolver, servers, tuple(search)) if servers else "",
    }


def shared_identity_files(spec: ContainerSpec, theirs: Mapping[str, str], host_gateway: str = "") -> Mapping[str, str]:
    """The files of a container that is in somebody else's network: theirs, by name, with what is its own."""
    hosts = theirs["hosts"]
    if hosts and not hosts.endswith("\n"):
        hosts += "\n"
    if spec.hostname not in hosts.split():
        hosts += f"127.0.1.1\t{own_names(spec)}\n"
    resolver = spec.resolver
    given = resolv_conf(resolver, resolver.servers, resolver.search) if resolver.servers else theirs["resolv.conf"]
    return {
        "hosts": hosts + extra_hosts(spec, host_gateway),
        "hostname": f"{spec.hostname}\n",
        "resolv.conf": given,
    }


def own_names(spec: ContainerSpec) -> str:
    """What a container calls itself, the full name first (hosts(5))."""
    domain = spec.resolver.domain
    return f"{spec.hostname}.{domain} {spec.hostname}" if domain else spec.hostname


def extra_hosts(spec: ContainerSpec, host_gateway: str) -> str:
    """The lines of hosts(5) that the container's spec asks for."""
    return "".join(
        f"{host_gateway if address == HOST_GATEWAY else address}\t{name}\n" for name, address in spec.resolver.hosts
    )


def resolv_conf(wanted: Resolver, servers: Iterable[str], search: tuple[str, ...]) -> str:
    """A resolv.conf(5) with these servers; what the spec wants comes before what the host has."""
    domains = " ".join(domain for domain in wanted.search or search if domain != ".")
    options = wanted.options
    if not any(option.startswith("ndots:") for option in options):
        options = ("ndots:0", *options)
    lines = [f"nameserver {server}" for server in servers]
    return "\n".join((*lines, *([f"search {domains}"] if domains else []), f"options {' '.join(options)}")) + "\n"


def upstreams(resolv_conf: str) -> tuple[str, ...]:
    """The nameservers that a resolv.conf(5) lists, without the stack's own."""
    found = (
        words[1] for line in resolv_conf.splitlines() if len(words := line.split()) > 1 and words[0] == "nameserver"
    )
    return tuple(address for address in found if address != RESOLVER_ADDRESS)


def search_domains(resolv_conf: str) -> tuple[str, ...]:
    """The search domains that a resolv.conf(5) lists; the last line that names some counts."""
    domains: tuple[str, ...] = ()
    for line in resolv_conf.splitlines():
        words = line.split()
        if words and words[0] in {"search", "domain"}:
            domains = tuple(word for word in words[1:] if word != ".")
    return domains
