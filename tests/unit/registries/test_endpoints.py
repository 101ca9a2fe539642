"""Where registries are, and who may hear what."""

import pytest

from engine.errors import ImageError
from engine.registries.endpoints import (
    Origin,
    Settings,
    may_ask_for_credentials,
    origin_of,
    origin_of_registry,
)


@pytest.mark.parametrize(
    ("registry", "url"),
    [
        ("docker.io", "https://registry-1.docker.io"),
        ("example.com", "https://example.com"),
        ("example.com:5000", "https://example.com:5000"),
        ("localhost", "http://localhost"),
        ("localhost:5000", "http://localhost:5000"),
        ("127.8.9.1:5000", "http://127.8.9.1:5000"),
        ("[::1]:5000", "http://[::1]:5000"),
        ("localhost.example.com", "https://localhost.example.com"),
        ("lab:5000", "http://lab:5000"),
        ("lab:5001", "https://lab:5001"),
    ],
)
def test_only_loopback_and_what_is_named_go_without_encryption(registry: str, url: str) -> None:
    assert origin_of_registry(registry, Settings(insecure=("lab:5000",))).url == url


def test_addresses_of_other_kinds_are_refused() -> None:
    for url in ("ftp://a/b", "file:///etc/passwd", "http://example.com/", "https:///x", "https://a:b/", "//a"):
        with pytest.raises(ImageError):
            origin_of(url, Settings())
    assert origin_of("https://a/x", Settings()) == Origin("https", "a", 443)


def test_credentials_go_to_the_registry_and_its_own_token_service_alone() -> None:
    hub = origin_of_registry("docker.io", Settings())
    settings = Settings(token_hosts={"reg.example": ("auth.example",)})
    assert may_ask_for_credentials("docker.io", hub, Origin("https", "auth.docker.io", 443), settings)
    assert not may_ask_for_credentials("docker.io", hub, Origin("https", "auth.docker.io.example", 443), settings)
    assert not may_ask_for_credentials("docker.io", hub, Origin("http", "auth.docker.io", 80), settings)
    own = origin_of_registry("reg.example", settings)
    assert may_ask_for_credentials("reg.example", own, own, settings)
    assert may_ask_for_credentials("reg.example", own, Origin("https", "auth.example", 443), settings)
    assert not may_ask_for_credentials("reg.example", own, Origin("https", "auth.docker.io", 443), settings)
    assert not may_ask_for_credentials("reg.example", own, Origin("https", "reg.example", 8443), settings)


@pytest.mark.parametrize(
    ("registry", "asking", "allowed"),
    [
        ("registry.git.example", "git.example", True),
        ("registry.git.example", "example", False),
        ("registry.git.example", "auth.git.example", False),
        ("registry-git.example", "git.example", False),
        ("10.9.0.1", "0.1", False),
    ],
)
def test_the_host_of_a_registrys_own_domain_may_ask_too(registry: str, asking: str, allowed: bool) -> None:
    own = Origin("https", registry, 443)
    assert may_ask_for_credentials(registry, own, Origin("https", asking, 443), Settings()) is allowed
