"""The errors of this package.

NetError                    message, hint
|- AddressError             no free subnet or address, or a wanted one is taken
|- PortError                a host port is held by somebody else
|- NetlinkError             the kernel refused a link, address or route (errno)
`- FirewallError            the kernel or libnftables refused a ruleset
"""


class NetError(Exception):
    """What was attempted on which thing, with a hint that says what to do next (may be empty)."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class AddressError(NetError):
    """No free subnet or address is left, or the wanted one is taken."""


class PortError(NetError):
    """A host port cannot be published because somebody else holds it."""


class NetlinkError(NetError):
    """The kernel refused a change to links, addresses or routes."""

    def __init__(self, message: str, errno: int, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.errno = errno


class FirewallError(NetError):
    """A ruleset was refused."""
