"""Reading what registries ask for."""

import pytest

from engine.registries.challenges import Challenge, read_challenges


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (('Basic realm="x"',), (Challenge("basic", {"realm": "x"}),)),
        (("Basic",), (Challenge("basic", {}),)),
        (
            ('Bearer realm="https://a/t",service="s, s",scope="repository:a/b:pull,push"',),
            (Challenge("bearer", {"realm": "https://a/t", "service": "s, s", "scope": "repository:a/b:pull,push"}),),
        ),
        (
            ('Bearer realm="a", error=invalid_token, Basic realm="b\\"c"',),
            (Challenge("bearer", {"realm": "a", "error": "invalid_token"}), Challenge("basic", {"realm": 'b"c'})),
        ),
        (("BEARER Realm = a", "Basic"), (Challenge("bearer", {"realm": "a"}), Challenge("basic", {}))),
        (("===", ""), ()),
    ],
)
def test_challenges_are_read(headers: tuple[str, ...], expected: tuple[Challenge, ...]) -> None:
    assert read_challenges(headers) == expected
