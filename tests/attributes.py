"""Writes docs/attributes.md from the tables of keys; run it (`make attributes`) after a change of them.

What `Later` marks is refused by `up`; what else is no plain "works" stands in REMARKS.
"""

from collections.abc import Iterator
from pathlib import Path

from compose.grammar.key_words import WORDS_OF
from compose.grammar.keys import DOCUMENT, External
from compose.grammar.service_parts import DEVICE_REQUESTS, Gpus
from compose.grammar.shapes import Shape
from compose.grammar.structures import Fields, Later, ListOf, MapOf, Maybe, Named, OneOf, Spread
from compose.grammar.vocabulary import SOFT_AND_HARD, Limit

TABLE = Path(__file__).parents[1] / "docs" / "attributes.md"

WORKS, LATER, NOTE, WARNED = "works", "later", "note", "warned"
_WINDOWS = (WARNED, "for Windows")
_SEVERAL_HOSTS = (WARNED, "for several hosts")
REMARKS = {
    "version": (NOTE, "ignored, as by Compose 2 and later"),
    "models": (WARNED, "read and shown; windlass runs no models"),
    "services.*.models": (WARNED, "windlass runs no models"),
    "services.*.annotations": (NOTE, "shown; there is no runtime that reads them"),
    "services.*.cpu_count": _WINDOWS,
    "services.*.cpu_percent": _WINDOWS,
    "services.*.cpu_rt_period": (WARNED, "windlass hands no real-time shares down"),
    "services.*.cpu_rt_runtime": (WARNED, "windlass hands no real-time shares down"),
    "services.*.credential_spec": _WINDOWS,
    "services.*.isolation": _WINDOWS,
    "services.*.expose": (NOTE, "inside a network every port can be reached"),
    "services.*.gpus": (WARNED, "windlass has no drivers of GPUs; `devices` hands nodes over"),
    "services.*.logging.driver": (WORKS, "json-file, local, none; of others `up` warns, and keeps the logs itself"),
    "services.*.mem_swappiness": (WORKS, "cgroup v1; a warning on v2, which has no such setting"),
    "services.*.oom_kill_disable": (WORKS, "cgroup v1; a warning on v2, which has no such setting"),
    "services.*.platform": (WORKS, "another machine's platform is refused by `up`"),
    "services.*.runtime": (WARNED, "windlass is its own runtime; unknown ones are refused by `up`"),
    "services.*.storage_opt": (WORKS, "`size`; others are refused by `up`"),
    "services.*.use_api_socket": (LATER, "there is no daemon whose socket a container could use"),
    "services.*.develop": (WORKS, "`watch`, `up --watch`"),
    "services.*.deploy.labels": (NOTE, "they are the service's, not its containers'"),
    "services.*.deploy.endpoint_mode": _SEVERAL_HOSTS,
    "services.*.deploy.mode": (WORKS, "replicated and global are the same on one host"),
    "services.*.deploy.placement": _SEVERAL_HOSTS,
    "services.*.deploy.resources.reservations.cpus": _SEVERAL_HOSTS,
    "services.*.deploy.resources.reservations.devices": (WARNED, "windlass has no drivers of GPUs"),
    "services.*.deploy.resources.reservations.generic_resources": _SEVERAL_HOSTS,
    "services.*.ports.name": (NOTE, "for readers"),
    "services.*.ports.app_protocol": (NOTE, "for readers"),
    "services.*.ports.mode": (NOTE, "host and ingress are the same on one host"),
    "services.*.volumes.consistency": (NOTE, "on Linux host and container see the same files at once"),
    "services.*.volumes.bind.selinux": (NOTE, "containers run in no SELinux domain of their own"),
    "networks.*.attachable": (NOTE, "for several hosts"),
    "networks.*.ipam.options": (WARNED, "there is no other driver that could have some"),
    "secrets.*.driver": (LATER, ""),
    "secrets.*.driver_opts": (LATER, ""),
    "secrets.*.template_driver": (LATER, ""),
    "configs.*.template_driver": (LATER, ""),
}
_HEAD = """\
# Every attribute, and what happens to it

All attributes of the Compose Specification (its schema of 2026-06-29) are read, checked and printed by
`windlass config`. What `up` makes of them:

| word | meaning |
| --- | --- |
| works | it does what the specification says |
| note | it tells readers or programs something, or means nothing on a single Linux host; it is kept and shown |
| warned | a Linux host or windlass cannot offer it: one warning names the place, and the rest of the file works |
| later | `up`, `plan` and `build` refuse it for now, with its place; `config` accepts it |

Keys that begin with `x-` are the user's own, everywhere, and are kept. This page is made from the tables by which
files are read (`make attributes`); a test holds it against them, and them against the specification's schema.
"""
_CHAPTERS = (
    ("The file", ("name", "version", "include")),
    ("Services", ("services",)),
    ("Networks", ("networks",)),
    ("Volumes", ("volumes",)),
    ("Secrets", ("secrets",)),
    ("Configs", ("configs",)),
    ("Models", ("models",)),
)


def attributes() -> dict[str, tuple[str, str, str]]:
    """State, purpose and remark of every attribute, by its path ("services.*.build.context")."""
    result: dict[str, tuple[str, str, str]] = {}
    for path, later in _walk(DOCUMENT, "", later=False):
        owners = [above for above in REMARKS if path.startswith(f"{above}.")]
        inherited = REMARKS[max(owners, key=len)][0] if owners else WORKS
        state, remark = REMARKS.get(path, (inherited, ""))
        if later and state in {WORKS, NOTE}:
            state = LATER
        owner, _, key = path.rpartition(".")
        short = owner.removesuffix(".*").rpartition(".")[2] + (".*" if owner.endswith(".*") else "")
        result[path] = (state, WORDS_OF.get(short, {}).get(key, ""), remark)
    return result


def table() -> str:
    """The whole page."""
    found = attributes()
    pieces = [_HEAD]
    for title, tops in _CHAPTERS:
        pieces.append(f"\n## {title}\n\n| attribute | `up` | what it is for |\n| --- | --- | --- |\n")
        for path, (state, words, remark) in sorted(found.items()):
            if path.split(".")[0] in tops:
                said = f"{words} ({remark})" if remark else words
                pieces.append(f"| `{path}` | {state} | {said.replace('|', chr(92) + '|')} |\n")
    return "".join(pieces)


def _walk(shape: Shape, path: str, *, later: bool) -> Iterator[tuple[str, bool]]:
    match shape:
        case MapOf():
            yield from _walk(shape.entry, f"{path}.*", later=later)
        case External():
            yield f"{path}.name", later
        case Fields():
            for key, inner in shape.table.items():
                below = f"{path}.{key}" if path else key
                yield below, later or isinstance(inner, Later)
                yield from _walk(inner, below, later=later)
        case _:
            inner = _inside(shape)
            if inner is not None:
                yield from _walk(inner, path, later=later or isinstance(shape, Later))


def _inside(shape: Shape) -> Shape | None:
    """The one shape that another is made of; None for plain values."""
    match shape:
        case Later() | Maybe():
            return shape.shape
        case ListOf():
            return shape.entry
        case OneOf() | Spread():
            return shape.long
        case Named():
            return shape.map
        case Gpus():
            return DEVICE_REQUESTS
        case Limit():
            return SOFT_AND_HARD
        case _:
            return None


if __name__ == "__main__":
    TABLE.write_text(table())
