"""`windlass logout`."""

from typing import Annotated

from compose.cli.options import Argument
from compose.cli.session import Session


def command(
    session: Session,
    server: Annotated[str, Argument("The registry; docker.io when left out.")] = "",
) -> None:
    """Forgets the credentials for a registry."""
    from compose.doing.registry_names import registry_of  # noqa: PLC0415 - only these two verbs
    from engine.registries.credentials import credential_file  # noqa: PLC0415 - likewise

    registry = registry_of(server)
    if credential_file(session.environment).remove(registry):
        session.tell(f"The credentials for {registry} are gone.")
    else:
        session.tell(f"There are no credentials for {registry}.")
