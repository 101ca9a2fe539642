"""Keys that are not supported yet have their canonical forms already: their shapes are tested by themselves."""

from compose.grammar.service_parts import BUILD, DEVICES
from compose.grammar.shapes import Reading, Shape
from compose.grammar.vocabulary import EXTRA_HOSTS, GRANTS, ULIMITS
from compose.nodes import plain
from compose.reading.document import read_documents


def canonical(shape: Shape, text: str) -> object:
    reading = Reading("/project", "/home/me")
    read = reading.attempt(shape, read_documents(text, "f")[0], "services.a.key")
    return [str(problem) for problem in reading.problems] or (read and plain(read))


def test_extra_hosts_become_a_sorted_list_that_may_name_a_host_twice() -> None:
    assert canonical(EXTRA_HOSTS, "{b: 1.1.1.1, a: [2.2.2.2, 3.3.3.3]}") == ["a=2.2.2.2", "a=3.3.3.3", "b=1.1.1.1"]
    assert canonical(EXTRA_HOSTS, '["b:::1", "a=[::1]", "h:host-gateway"]') == ["a=::1", "b=::1", "h=host-gateway"]
    assert canonical(EXTRA_HOSTS, "[nowhere]") == ["f:1:2: services.a.key[0] is no host with its address: 'nowhere'"]


def test_devices_have_a_short_form() -> None:
    assert canonical(DEVICES, "[/dev/a, '/dev/a:/dev/b:r', vendor.com/class=x]") == [
        {"source": "/dev/a", "target": "/dev/a", "permissions": "rwm"},
        {"source": "/dev/a", "target": "/dev/b", "permissions": "r"},
        {"source": "vendor.com/class=x", "target": "vendor.com/class=x", "permissions": "rwm"},
    ]


def test_permissions_of_secrets_are_octal() -> None:
    assert canonical(GRANTS, "[s, {source: t, mode: 0400}]") == [{"source": "s"}, {"source": "t", "mode": "0400"}]


def test_limits_are_one_number_or_two() -> None:
    assert canonical(ULIMITS, "{nproc: 10, nofile: {soft: 1, hard: '2'}}") == {
        "nproc": 10,
        "nofile": {"soft": 1, "hard": 2},
    }


def test_a_remote_build_context_stays_as_it_is() -> None:
    assert canonical(BUILD, "https://example.org/a.git") == {"context": "https://example.org/a.git"}
    assert canonical(BUILD, "../x") == {"context": "/x"}
    assert canonical(BUILD, "~/x") == {"context": "/home/me/x"}


def test_keys_of_ssh_have_paths_or_are_the_agents() -> None:
    assert canonical(BUILD, "{ssh: {k: ./p, default: }}") == {"ssh": {"k": "/project/p", "default": None}}
    assert canonical(BUILD, "{ssh: [default, k=/p]}") == {"ssh": {"default": None, "k": "/p"}}
