"""Which files matter, and what is done about them."""

from compose.model import Hook, Service, Trigger
from compose.watching.acting import sort_out
from compose.watching.batches import Batch, decide, first_batch
from compose.watching.rules import Rule, gather, relative
from engine.dockerfiles.ignoring import IgnoreRules, parse_ignore_rules


def rules(*triggers: Trigger, ignore: str = "") -> tuple[Rule, ...]:
    def context(_service: Service) -> tuple[str, IgnoreRules]:
        return "/p", parse_ignore_rules(ignore, ".dockerignore")

    return gather([Service(name="web", watch=triggers)], context)


SYNC = Trigger(path="/p/src", action="sync", target="/app/")


def test_what_is_ignored_does_not_matter_and_is_not_descended_into() -> None:
    (rule,) = rules(
        Trigger(path="/p/src", action="sync", target="/app", ignore=("node_modules/", "*.log", "out/**/tmp")),
        ignore="src/private\n**/*.md\n!src/READ.md\n",
    )
    matters = {
        "/p/src/a.py": True,
        "/p/src": True,
        "/p/src/node_modules/x": False,
        "/p/src/noise.log": False,
        "/p/src/out/a/tmp": False,
        "/p/src/private/key": False,
        "/p/src/x.md": False,
        "/p/src/READ.md": True,
        "/p/other": False,
        "/p/srcs/a": False,
        "/p/src/.git/index": False,
        "/p/src/.a.py.swp": False,
        "/p/src/a.py~": False,
        "/p/src/#a.py#": False,
        "/p/src/4913": False,
    }
    assert {path: rule.matters(path) for path in matters} == matters
    descends = {
        "/p/src": True,
        "/p/src/deep/er": True,
        "/p/src/node_modules": False,
        "/p/src/.git": False,
        "/p/src/private": True,  # an exception in .dockerignore may be below it
        "/p": False,
    }
    assert {path: rule.descends(path) for path in descends} == descends


def test_what_is_included_alone_matters() -> None:
    (rule,) = rules(Trigger(path="/p/src", action="restart", include=("*.conf", "deep/**")))
    assert [rule.matters(f"/p/src/{name}") for name in ("a.conf", "a.txt", "deep/er/x", "x/a.conf")] == [
        True,
        False,
        True,
        False,
    ]


def test_a_file_s_place_in_the_container() -> None:
    (tree,) = rules(SYNC)
    (file,) = rules(Trigger(path="/p/settings.ini", action="sync", target="/etc/settings.ini"))
    assert tree.place_of("/p/src/deep/a.py") == "/app/deep/a.py"
    assert file.place_of("/p/settings.ini") == "/etc/settings.ini"
    assert file.matters("/p/settings.ini")
    assert not file.matters("/p/settings.ini.bak")


def test_relative_paths_are_compared_by_components() -> None:
    assert relative("/a/b", "/a") == "b"
    assert relative("/ab", "/a") is None
    assert relative("/a", "/") == "a"


def test_a_batch_does_each_thing_once_and_nothing_else_to_what_is_rebuilt() -> None:
    hook = Hook(command=("reload",))
    given = gather(
        [
            Service(name="web", watch=(SYNC, Trigger(path="/p/conf", action="sync+restart", target="/conf"))),
            Service(name="job", watch=(Trigger(path="/p/src", action="sync+exec", target="/x", hook=hook),)),
            Service(name="built", watch=(SYNC, Trigger(path="/p/pack", action="rebuild"))),
        ],
        lambda _service: None,
    )
    batch = decide(given, ["/p/src/a", "/p/src/a", "/p/src/b", "/p/conf/c", "/p/pack/d", "/elsewhere"])

    def places(batch: Batch) -> dict[str, list[str]]:
        return {name: [transfer.place for transfer in found] for name, found in batch.sync.items()}

    assert places(batch) == {"web": ["/app/a", "/app/b", "/conf/c"], "job": ["/x/a", "/x/b"]}
    assert (batch.rebuild, batch.restart, batch.run) == (("built",), ("web",), {"job": (hook,)})
    assert decide(given, []) == Batch(rebuild=(), sync={}, restart=(), run={})


def test_the_first_copies_are_those_that_ask_for_it() -> None:
    given = rules(SYNC, Trigger(path="/p/data", action="sync", target="/data", initial_sync=True))
    assert [(item.path, item.place) for item in first_batch(given).sync["web"]] == [("/p/data", "/data")]
    assert first_batch(rules(SYNC)).sync == {}


def test_what_is_gone_is_removed_but_never_the_target_itself() -> None:
    batch = decide(rules(SYNC), ["/p/src", "/p/src/gone", "/p/src/there"])
    changes, gone = sort_out(batch.sync["web"], lambda path: path == "/p/src/there")
    assert [(change.path, change.place) for change in changes] == [("/p/src/there", "/app/there")]
    assert gone == ["/app/gone"]
