"""`windlass login`."""

import getpass
import sys
from typing import Annotated

from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.errors import UsageError


def command(
    session: Session,
    server: Annotated[str, Argument("The registry; docker.io when left out.")] = "",
    *,
    username: Annotated[str, Option("--username", "-u", tells="The user's name.")] = "",
    password: Annotated[str, Option("--password", "-p", tells="The password; others may see it in `ps`.")] = "",
    password_stdin: Annotated[bool, Option("--password-stdin", tells="Read the password from standard input.")] = False,
) -> None:
    """Tries a user's name and password on a registry, keeps them where Docker does."""
    from compose.doing.registry_names import registry_of  # noqa: PLC0415 - only these two verbs
    from engine.registries.access import Credentials  # noqa: PLC0415 - likewise
    from engine.registries.credentials import credential_file  # noqa: PLC0415 - likewise
    from engine.registries.hostsettings import read_settings  # noqa: PLC0415 - likewise
    from engine.registries.logins import check_credentials  # noqa: PLC0415 - likewise
    from engine.registries.proxies import read_proxies  # noqa: PLC0415 - likewise

    registry = registry_of(server)
    if password and password_stdin:
        raise UsageError("--password and --password-stdin are two ways to say one thing", hint="leave one out")
    if password_stdin:
        if not username:
            raise UsageError("--password-stdin needs --username", hint="windlass login -u NAME --password-stdin")
        password = sys.stdin.read().rstrip("\r\n")
    elif password:
        session.warn("a password on the command line can be seen by others", "use --password-stdin")
    if not (username and password) and not sys.stdin.isatty():
        raise UsageError(
            "there is no terminal to ask for name and password", hint="windlass login -u NAME --password-stdin < FILE"
        )
    username = username or input(f"Username for {registry}: ")
    credentials = Credentials(username, password or getpass.getpass("Password: "))
    check_credentials(registry, credentials, read_settings(session.environment), read_proxies(session.environment))
    kept = credential_file(session.environment).save(registry, credentials)
    session.tell(f"Login to {registry} succeeded; the credentials are in {kept}.")
