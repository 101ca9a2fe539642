import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import StartError
from engine.users import User, resolve

PASSWD = """\
root:x:0:0:root:/root:/bin/sh
bob:x:1000:1001:Bob:/home/bob:/bin/sh
7:x:77:77::/seven:/bin/sh
broken:x:abc:1:::
short:x:5
huge:x:99999:1::/:/bin/sh
homeless:x:8:8:::/bin/sh
"""
GROUP = "root:x:0:\nbob:x:1001:\nwheel:x:10:bob,alice\ngames:x:60:alice,bob\nbad:x:y:bob\n"


@pytest.mark.parametrize(
    ("wanted", "user"),
    [
        ("", User(0, 0, (), "/root")),
        ("root", User(0, 0, (), "/root")),
        ("bob", User(1000, 1001, (10, 60), "/home/bob")),
        ("1000", User(1000, 1001, (10, 60), "/home/bob")),
        ("bob:wheel", User(1000, 10, (), "/home/bob")),
        ("bob:5", User(1000, 5, (), "/home/bob")),
        (":games", User(0, 60, (), "/root")),
        ("4242", User(4242, 0, (), "/")),
        ("7", User(7, 0, (), "/")),
        ("homeless", User(8, 8, (), "/")),
    ],
)
def test_names_and_numbers(wanted: str, user: User) -> None:
    assert resolve(wanted, PASSWD, GROUP) == user


@pytest.mark.parametrize(
    "wanted", ["alice", "broken", "short", "huge", ":", "bob:", "bob:alice", "bob:1:2", "٣", " bob"]
)
def test_what_the_image_does_not_know_is_refused(wanted: str) -> None:
    with pytest.raises(StartError, match="cannot run as"):
        resolve(wanted, PASSWD, GROUP)


@given(st.text(), st.text(), st.text())
def test_nothing_is_ever_mistaken_for_root(wanted: str, passwd: str, group: str) -> None:
    try:
        user = resolve(wanted, passwd, group)
    except StartError:
        return
    assert 0 <= user.uid <= 65535
    assert 0 <= user.gid <= 65535
    if user.uid == 0:
        name = wanted.partition(":")[0]
        assert name == "" or int(name if name.isdigit() else "0") == 0
