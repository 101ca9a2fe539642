"""Keeps imports from doing what is hardly ever needed: a third of the time that they take.

A stand-in takes the place of a module while others that import it are loaded; it loads the module when it is asked
for something.
"""

import re
import sys
from types import ModuleType
from typing import Any

_compile = re.compile


class _Later(ModuleType):
    """Stands in for a module until an attribute of it is wanted."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):  # the import system looks for some of these
            raise AttributeError(name)
        from importlib import import_module  # noqa: PLC0415 - seldom

        _leave(self.__name__, self)
        return getattr(import_module(self.__name__), name)


class _Platform(ModuleType):
    """What uuid asks of `platform`, which compiles patterns for the names of systems long gone."""

    def system(self) -> str:
        return "Linux"


class _Pattern:
    """A regular expression that is compiled when it is first used."""

    def __init__(self, *arguments: Any) -> None:
        self._arguments = arguments

    def __getattr__(self, name: str) -> Any:
        compiled = _compile(*self._arguments)
        vars(self).update({method: getattr(compiled, method) for method in dir(compiled) if not method.startswith("_")})
        return getattr(compiled, name)


class PatternsOnDemand:
    """Modules that are imported in this block compile their regular expressions when they first use them.

    Half of the time that PyYAML takes to load are expressions for what the C parser does.
    """

    def __enter__(self) -> None:
        vars(re)["compile"] = _Pattern

    def __exit__(self, *_: object) -> None:
        vars(re)["compile"] = _compile


def load_msgspec() -> None:
    """Loads msgspec and pathlib; does nothing when that has been done by somebody.

    msgspec takes typing instead of typing_extensions; textwrap is for JSON schemas, ipaddress for addresses in URLs.
    """
    if "msgspec" in sys.modules:
        return
    stand_ins: dict[str, Any] = {
        "typing_extensions": None,  # as if it were not installed
        "platform": _Platform("platform"),
        "textwrap": _Later("textwrap"),
        "ipaddress": _Later("ipaddress"),
    }
    stand_ins = {name: stand_in for name, stand_in in stand_ins.items() if name not in sys.modules}
    sys.modules.update(stand_ins)
    try:
        with PatternsOnDemand():
            import pathlib  # noqa: F401, PLC0415 - loaded for those who import it afterwards

            import msgspec  # noqa: F401, PLC0415 - likewise
    finally:
        for name, stand_in in stand_ins.items():
            _leave(name, stand_in)


def _leave(name: str, stand_in: ModuleType | None) -> None:
    if sys.modules.get(name) is stand_in:
        sys.modules.pop(name, None)
