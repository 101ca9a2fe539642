"""Makes the kernel forget flows (ctnetlink, linux/netfilter/nfnetlink_conntrack.h).

A flow of datagrams keeps the way that its first one took for as long as it does not pause: a client that keeps asking
would never notice that its port is published now, or leads to another container.
"""

import socket
import struct
from collections.abc import Iterable

from net.rtnetlink import attribute

_NETLINK_NETFILTER = 12
_CT_DELETE = (1 << 8) | 2  # NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE
_NLM_F_REQUEST, _NLM_F_ACK = 0x1, 0x4
_NESTED = 0x8000
_CTA_TUPLE_ORIG, _CTA_TUPLE_PROTO, _CTA_PROTO_NUM, _CTA_PROTO_DST_PORT = 1, 2, 1, 3
_CTA_FILTER, _CTA_FILTER_ORIG_FLAGS, _CTA_FILTER_REPLY_FLAGS = 25, 1, 2
_BY_PROTOCOL_AND_PORT = 1 << 3 | 1 << 5


def forget_datagrams(ports: Iterable[int]) -> bool:
    """Forget every flow of UDP towards these ports, in the caller's namespace.

    False when the kernel cannot pick flows by port (before Linux 6.8): they end by themselves after a pause of 30 s.
    """
    requests = [_delete(port) for port in ports]
    if not requests:
        return True
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER) as netlink:
        for request in requests:
            netlink.send(request)
            errno = -struct.unpack_from("=i", netlink.recv(4096), 16)[0]
            if errno:
                return False
    return True


def _delete(port: int) -> bytes:
    protocol = attribute(_CTA_PROTO_NUM, bytes((socket.IPPROTO_UDP,)))
    towards = attribute(_CTA_PROTO_DST_PORT, port.to_bytes(2, "big"))
    flow = attribute(_NESTED | _CTA_TUPLE_PROTO, protocol + towards)
    which = attribute(_CTA_FILTER_ORIG_FLAGS, struct.pack("=I", _BY_PROTOCOL_AND_PORT)) + attribute(
        _CTA_FILTER_REPLY_FLAGS, struct.pack("=I", 0)
    )
    body = struct.pack("=BBH", socket.AF_INET, 0, 0)
    body += attribute(_NESTED | _CTA_TUPLE_ORIG, flow) + attribute(_NESTED | _CTA_FILTER, which)
    return struct.pack("=IHHII", 16 + len(body), _CT_DELETE, _NLM_F_REQUEST | _NLM_F_ACK, 1, 0) + body
