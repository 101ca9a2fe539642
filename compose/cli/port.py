"""`windlass port`."""

import sys
from typing import Annotated

from compose.cli.choices import one_of
from compose.cli.chosen import absent, require_known
from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.doing.observe import containers
from compose.errors import UsageError
from compose.showing.listing import host_text, published_ports


def command(
    session: Session,
    service: Annotated[str, Argument("Whose container.")],
    private_port: Annotated[str, Argument("The port inside the container.", metavar="PRIVATE_PORT")],
    *,
    protocol: Annotated[str, Option(tells="tcp or udp.")] = "tcp",
    index: Annotated[int, Option(tells="The replica's number.")] = 0,
) -> None:
    """Prints the host's address and port that lead to a container's port."""
    one_of("--protocol", protocol, ("tcp", "udp"))
    session.require_root()
    if not private_port.isdigit():
        raise UsageError(f"{private_port} is no port", hint="for example: windlass port web 80")
    found = containers(session.stack_layout())
    known = {record.spec.service for record in found}
    require_known(session, known, (service,))
    replicas = [record for record in found if record.spec.service == service and index in {0, record.spec.number}]
    if not replicas:
        if service not in known:
            raise absent(session, service, known)
        raise UsageError(f"service {service} has no replica {index}", hint="windlass ps -a lists all that exist")
    record = min(replicas, key=lambda each: each.spec.number)
    for port in published_ports(record):
        if port.container_port == int(private_port) and port.protocol == protocol:
            sys.stdout.write(f"{host_text(port)}\n")
            return
    published = ", ".join(f"{port.container_port}/{port.protocol}" for port in published_ports(record))
    raise UsageError(
        f"no port {private_port}/{protocol} for container {record.spec.name}",
        hint=f"it publishes {published}" if published else "it publishes none",
    )
