"""Reads the short form of ports: [[address:]published:]target[/protocol], each part a number or a range."""

from compose import codes
from compose.grammar.shapes import Reading, Refusal
from compose.nodes import Node

_HINT = 'write "published:target", "address:published:target" or "target", each a number or a range such as 8000-8005'
_HINT_LONG = 'write `published: "8080"` or a range such as "8000-8005", and the address of an interface as `host_ip`'


def long_ports(node: Node, path: str, reading: Reading) -> tuple[Node, ...]:
    """The long form of one entry of `ports`: one node for each container port."""
    del reading
    value = node.value
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        found = "empty" if value is None else f"'{value}'" if isinstance(value, float) else "this"
        raise Refusal(node.place, f"{path} must be a port, not {found}", _HINT, codes.WRONG_PORT)
    try:
        return _ports(str(value), node)
    except ValueError as error:
        raise Refusal(node.place, f"{path} {error}", _HINT, codes.WRONG_PORT) from None


def port_range(text: str) -> tuple[int, int]:
    """The first and last number of "80" or "8000-8005"; raises ValueError."""
    first, dash, last = text.partition("-")
    numbers = [
        int(each) if each.isascii() and each.isdecimal() and len(each) <= 6 else -1 for each in (first, last or first)
    ]
    if min(numbers) < 0 or (dash and not last):
        raise ValueError(f"has '{text}' where a port or a range of ports is expected")
    if max(numbers) > 65535:
        raise ValueError(f"has the port {max(numbers)}, but ports end at 65535")
    if numbers[0] > numbers[1]:
        raise ValueError(f"has the range '{text}', which ends before it begins")
    return numbers[0], numbers[1]


def host_address(text: str) -> str:
    """The address to publish on, without brackets; raises ValueError."""
    import ipaddress  # noqa: PLC0415 - most ports name no address

    address = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        ipaddress.ip_address(address)
    except ValueError:
        raise ValueError(f"has '{text}' where the address of a host interface is expected") from None
    return address


def _ports(text: str, node: Node) -> tuple[Node, ...]:
    body, _, protocol = text.partition("/")
    protocol = _protocol(protocol)
    rest, _, target_text = body.rpartition(":")
    address_text, _, published_text = rest.rpartition(":")
    if not target_text:
        raise ValueError(f"names no container port: '{text}'")
    if ":" in address_text and not address_text.startswith("["):
        raise ValueError(f"has an address of IPv6 without brackets: write [{address_text}]")
    address = host_address(address_text) if address_text else ""
    first, last = port_range(target_text)
    if first == 0:
        raise ValueError("has the container port 0, but ports begin at 1")
    published = _published(published_text, first, last)
    return tuple(
        _port(node, mode="ingress", host_ip=address, target=target, published=each, protocol=protocol)
        for target, each in zip(range(first, last + 1), published, strict=True)
    )


def _protocol(text: str) -> str:
    protocol = text.lower() or "tcp"
    if protocol not in ("tcp", "udp", "sctp"):
        raise ValueError(f"has the protocol '{text}', which is none of tcp, udp, sctp")
    return protocol


def _port(node: Node, **fields: str | int) -> Node:
    return Node({key: Node(value, node.place) for key, value in fields.items() if value != ""}, node.place)


def _published(text: str, first: int, last: int) -> list[str]:
    count = last - first + 1
    if not text:
        return [""] * count
    low, high = port_range(text)
    if count == 1:
        return [str(low) if low == high else f"{low}-{high}"]
    if high - low + 1 != count:
        counts = f"{high - low + 1} host ports to {count} container ports"
        raise ValueError(f"leads {counts}; the ranges must be equally long")
    return [str(low + index) for index in range(count)]


def finish_port(node: Node, path: str, reading: Reading) -> Node:
    """Checks the long form of a port and fills in its defaults.

    `name` and `app_protocol` describe the port to whoever reads the file.
    """
    fields = dict(node.fields)
    defaults = {"mode": "ingress", "protocol": "tcp"}
    fields.update({key: Node(value, node.place) for key, value in defaults.items() if key not in fields})
    if fields["mode"].value not in ("", "host", "ingress"):
        message = f"{path}.mode is '{fields['mode'].value}', which changes nothing"
        reading.warn(
            fields["mode"].place, message, "the modes are host and ingress: replicas share a port of mode ingress"
        )
    protocol, published, address = fields["protocol"], fields.get("published"), fields.get("host_ip")
    try:
        _protocol(str(protocol.value))
        if published is not None and published.value:
            port_range(str(published.value))
        if address is not None and address.value:
            host_address(str(address.value))
    except ValueError as error:
        raise Refusal(node.place, f"{path} {error}", _HINT_LONG, codes.WRONG_PORT) from None
    return node.with_value(fields)
