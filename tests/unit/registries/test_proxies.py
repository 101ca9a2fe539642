"""Which requests go through a proxy."""

import pytest

from engine.errors import ImageError
from engine.registries.endpoints import Origin
from engine.registries.proxies import Proxy, read_proxies

SOME = {"HTTP_PROXY": "http://proxy.example:3128", "https_proxy": "me:p%40w@secure.example"}


def towards(scheme: str, host: str, port: int = 443, **environment: str) -> Proxy | None:
    return read_proxies({**SOME, **environment}).towards(Origin(scheme, host, port))


def test_each_scheme_has_its_proxy() -> None:
    assert towards("http", "registry.example") == Proxy("proxy.example", 3128)
    assert towards("https", "registry.example") == Proxy("secure.example", 80, "Basic bWU6cEB3")
    assert read_proxies({}).towards(Origin("https", "registry.example", 443)) is None


def test_a_proxys_password_is_not_shown() -> None:
    assert repr(towards("https", "registry.example")) == "secure.example:80"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "127.8.8.8"])
def test_this_machine_is_asked_directly(host: str) -> None:
    assert towards("https", host) is None


@pytest.mark.parametrize(
    ("host", "words", "spared"),
    [
        ("registry.example", "registry.example", True),
        ("a.registry.example", "registry.example", True),
        ("aregistry.example", "registry.example", False),
        ("a.registry.example", "other, .registry.example", True),
        ("registry.example", ".registry.example", False),
        ("a.registry.example", "*.registry.example", True),
        ("registry.example", "*", True),
        ("registry.example", "registry.example:443", True),
        ("registry.example", "registry.example:5000", False),
        ("192.0.2.7", "192.0.2.0/24", True),
        ("192.0.2.7", "192.0.2.7", True),
        ("192.0.3.7", "192.0.2.0/24", False),
        ("192.0.3.7", "registry.example", False),
        ("2001:db8::1", "[2001:db8::1]", True),
        ("2001:db8::1", "2001:db8::/32", True),
        ("registry.example", "", False),
    ],
)
def test_who_is_spared(host: str, words: str, spared: bool) -> None:
    assert (towards("https", host, NO_PROXY=words) is None) == spared


@pytest.mark.parametrize("text", ["socks5://proxy.example", "https://proxy.example", "http://", "http://x:y"])
def test_what_is_no_proxy_is_refused(text: str) -> None:
    with pytest.raises(ImageError, match="HTTP_PROXY names no proxy that can be used"):
        read_proxies({"HTTP_PROXY": text})
