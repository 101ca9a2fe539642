"""Decides the files by which a container knows itself: /etc/hosts, /etc/hostname, /etc/resolv.conf."""

from collections.abc import Iterable, Mapping

from engine.spec import ContainerSpec
from net.spec import Attachment

RESOLVER_ADDRESS = "127.0.0.11"

_HOSTS = """\
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
"""


def identity_files(
    spec: ContainerSpec, attachments: Iterable[Attachment], search: Iterable[str] = ()
) -> Mapping[str, str]:
    """The files' contents by name. `search` holds the host's search domains (resolv.conf(5))."""
    attachments = tuple(attachments)
    hosts = _HOSTS + "".join(f"{attachment.address}\t{spec.hostname}\n" for attachment in attachments)
    if not attachments:
        return {"hosts": hosts + f"127.0.1.1\t{spec.hostname}\n", "hostname": f"{spec.hostname}\n", "resolv.conf": ""}
    domains = " ".join(search)
    search_line = f"search {domains}\n" if domains else ""
    resolver = f"nameserver {RESOLVER_ADDRESS}\n{search_line}options ndots:0\n"
    return {"hosts": hosts, "hostname": f"{spec.hostname}\n", "resolv.conf": resolver}


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
