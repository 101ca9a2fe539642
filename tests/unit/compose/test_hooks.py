"""Hooks, from the file's words to the specification."""

from collections.abc import Callable

import msgspec.structs

from compose.fingerprint import changes
from compose.model import Hook, Stack
from compose.translate_lives import hooks
from engine.spec import ContainerSpec
from engine.spec import Hook as SpecHook
from tests.unit.compose.planning import service, stack, wanted

Read = Callable[..., Stack]
FILE = """
services:
  web:
    image: bb
    post_start:
      - command: touch "/two words"
        user: root
        privileged: true
        working_dir: /srv
        environment: [A=1, B]
      - command: [sync]
    pre_stop:
      - command: [drain, --all]
        environment: {C: 2}
"""


def test_a_hook_is_a_program_with_what_it_has_of_its_own(read: Read) -> None:
    web = read(FILE).services["web"]

    assert web.post_start == (
        Hook(
            command=("touch", "/two words"),
            user="root",
            privileged=True,
            working_dir="/srv",
            environment={"A": "1"},
        ),
        Hook(command=("sync",)),
    )
    assert hooks(web.pre_stop) == (SpecHook(argv=("drain", "--all"), environment={"C": "2"}),)


def test_a_hook_without_a_command_hinders_what_starts_something(read: Read) -> None:
    found = read("services:\n  web:\n    image: bb\n    post_start:\n      - command: []\n")

    assert [(each.place.line, each.message) for each in found.obstacles] == [
        (5, "services.web.post_start[0] has no command")
    ]


def test_a_changed_hook_asks_for_a_new_container() -> None:
    def spec(*commands: str) -> ContainerSpec:
        of = stack(service("web", post_start=tuple(Hook(command=(command,)) for command in commands)))
        return msgspec.structs.replace(wanted(of).services[0].specs[0])

    assert changes(spec("one"), spec("one")) == ()
    assert changes(spec("one"), spec("two")) == ("post_start changed",)
