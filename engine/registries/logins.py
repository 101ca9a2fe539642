"""Tries credentials on a registry."""

from engine.errors import ImageError
from engine.registries.access import Access, Credentials
from engine.registries.endpoints import Settings
from engine.registries.proxies import Proxies
from engine.registries.wire import Wire


def check_credentials(registry: str, credentials: Credentials, settings: Settings, proxies: Proxies) -> None:
    """Returns when the registry accepts the credentials; ImageError says why not."""
    wire = Wire(proxies=proxies)
    try:
        access = Access(registry, "", settings=settings, wire=wire, credentials=lambda: credentials)
        answer = access.ask("GET", "")
        answer.close()
        if answer.status != 200:
            hint = "check its address"
            raise ImageError(f"{registry} is no registry: it answers with HTTP {answer.status}", hint=hint)
    finally:
        wire.close()
