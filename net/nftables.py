"""Hands rulesets to the kernel: through libnftables, or through the nft program where the library is missing.

The one door of libnftables (libnftables(3)): 0.06 ms a change against 2 ms for starting nft(8).
"""

import ctypes  # noqa: TID251 - this is the library's one door
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from net.errors import FirewallError

Inside = Callable[[], AbstractContextManager[None]]


class Nftables:
    """The rules of one network namespace: the one that `inside` enters, or the caller's own.

    `run_program` feeds text to `nft -f -` in the namespace that it is called in, and raises when nft refuses it.
    """

    def __init__(self, *, inside: Inside = nullcontext, run_program: Callable[[str], None] | None = None) -> None:
        self._inside = inside
        self._run_program = run_program
        self._library = _load()
        self._context: int | None = None
        if self._library is None:
            if run_program is None:
                raise FirewallError("cannot load libnftables.so.1", hint="install it (Debian: libnftables1)")
            return
        with self._inside():  # the context's socket stays in the namespace that it is made in
            self._context = self._library.nft_ctx_new(0)
        if not self._context:
            raise FirewallError("cannot talk to the kernel's nftables", hint="is CONFIG_NF_TABLES there (nf_tables)?")
        self._library.nft_ctx_buffer_error(self._context)
        self._library.nft_ctx_buffer_output(self._context)

    def apply(self, ruleset: str) -> None:
        """Apply a ruleset, whole or not at all."""
        if self._library is None:
            if self._run_program is not None:
                with self._inside():
                    self._run_program(ruleset)
            return
        if self._library.nft_run_cmd_from_buffer(self._context, ruleset.encode()) != 0:
            reason = (self._library.nft_ctx_get_error_buffer(self._context) or b"").decode(errors="replace").strip()
            raise FirewallError(f"the kernel refused a firewall change: {reason or 'no reason given'}")

    def close(self) -> None:
        """Free the context. The rules stay."""
        if self._library is not None and self._context:
            self._library.nft_ctx_free(self._context)
        self._context = None


def _load() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL("libnftables.so.1")
    except OSError:
        return None
    context, text = ctypes.c_void_p, ctypes.c_char_p
    for name, result, arguments in (
        ("nft_ctx_new", context, [ctypes.c_uint32]),
        ("nft_ctx_free", None, [context]),
        ("nft_ctx_buffer_error", ctypes.c_int, [context]),
        ("nft_ctx_buffer_output", ctypes.c_int, [context]),
        ("nft_ctx_get_error_buffer", text, [context]),
        ("nft_run_cmd_from_buffer", ctypes.c_int, [context, text]),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
