"""What `debootstrap:SUITE?KEY=VALUE&...` asks for.

The keys are `packages` (more packages), `components` (main, contrib, universe ...), `variant` and `mirror`. Lists are
written with commas, the order of keys and of packages does not matter.
"""

import re
from typing import Final, NamedTuple

from engine.errors import ImageError

VARIANTS: Final = ("minbase", "buildd", "required", "important", "standard")
_SUITE: Final = re.compile(r"[a-z][a-z0-9.-]*")
_PACKAGE: Final = re.compile(r"[a-z0-9][a-z0-9+.-]+")
_COMPONENT: Final = re.compile(r"[a-z][a-z0-9/-]*")
_MIRROR: Final = re.compile(r"(https?://|file:/)[A-Za-z0-9._~:/%+-]+")
_KEYS: Final = ("components", "mirror", "packages", "variant")
_WRITTEN: Final = "write it as debootstrap:SUITE?packages=curl,git&components=main,contrib&variant=buildd&mirror=http://..."


class Suite(NamedTuple):
    """A distribution's release and what to make of it. What is empty is as usual."""

    name: str
    packages: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    variant: str = ""
    mirror: str = ""

    @property
    def options(self) -> str:
        """The options in their one order."""
        values = {
            "components": ",".join(self.components),
            "mirror": self.mirror,
            "packages": ",".join(self.packages),
            "variant": self.variant,
        }
        return "&".join(f"{key}={value}" for key, value in values.items() if value)

    @property
    def text(self) -> str:
        """What follows `debootstrap:`."""
        return f"{self.name}?{self.options}" if self.options else self.name


def parse_suite(text: str) -> Suite:
    """Reads what follows `debootstrap:`; ImageError says what is wrong with it."""
    name, _, query = text.partition("?")
    if not _SUITE.fullmatch(name):
        raise ImageError(f"{name!r} is no release's name", hint="write a release's code name: debootstrap:bookworm")
    options: dict[str, str] = {}
    for part in query.split("&") if query else ():
        key, equals, value = part.partition("=")
        if key not in _KEYS or not equals or key in options:
            raise ImageError(f"debootstrap:{name} has no option {part!r}", hint=_WRITTEN)
        options[key] = value
    variant = options.get("variant", "")
    if variant and variant not in VARIANTS:
        raise ImageError(f"debootstrap:{name}: there is no variant {variant!r}", hint=f"use {', '.join(VARIANTS)}")
    mirror = options.get("mirror", "")
    if mirror and not _MIRROR.fullmatch(mirror):
        raise ImageError(f"debootstrap:{name}: {mirror!r} is no mirror's address", hint=_WRITTEN)
    return Suite(
        name=name,
        packages=tuple(sorted(_listed(name, options.get("packages", ""), _PACKAGE, "package"))),
        components=_listed(name, options.get("components", ""), _COMPONENT, "component"),
        variant="" if variant == VARIANTS[0] else variant,
        mirror=mirror,
    )


def _listed(suite: str, text: str, allowed: re.Pattern[str], what: str) -> tuple[str, ...]:
    words = tuple(dict.fromkeys(text.split(","))) if text else ()
    for word in words:
        if not allowed.fullmatch(word):
            raise ImageError(f"debootstrap:{suite}: {word!r} is no {what}'s name", hint=_WRITTEN)
    return words
