"""Keeps libraries from loading what is hardly ever used: a third of the time that their imports take.

A stand-in takes the place of a module while others that import it are loaded; it loads the module when it is asked
for something.
"""

import sys
from types import ModuleType
from typing import Any


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
        import pathlib  # noqa: F401, PLC0415 - loaded for those who import it afterwards

        import msgspec  # noqa: F401, PLC0415 - likewise
    finally:
        for name, stand_in in stand_ins.items():
            _leave(name, stand_in)


def _leave(name: str, stand_in: ModuleType | None) -> None:
    if sys.modules.get(name) is stand_in:
        sys.modules.pop(name, None)
