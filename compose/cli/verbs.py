"""The verbs and the options that stand before them; a verb's module is loaded when it is typed."""

import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

from compose.cli import plainwords
from compose.cli.options import Option
from compose.cli.session import Globals, Session
from compose.errors import UsageError
from engine.lean import PatternsOnDemand
from engine.version import VERSION

VERBS = {
    "attach": "Joins a running container.",
    "build": "Builds the images of services with a Dockerfile.",
    "builder prune": "Removes what builds have kept.",
    "check": "Tells everything that is wrong with the file.",
    "commit": "Makes an image of a service's container.",
    "config": "Checks the file, prints it in its canonical form.",
    "cp": "Copies files into containers and out of them.",
    "create": "Makes what the file asks for, starts nothing.",
    "df": "Tells what everything takes on the disk.",
    "diff": "Shows what a container has changed, or what differs between images.",
    "disable": "Keeps the stack from coming back after a boot.",
    "doctor": "Tells what this machine offers, what is missing, how to mend it.",
    "down": "Stops the stack, removes what was made for it.",
    "enable": "Lets the stack come back after a boot.",
    "events": "Tells what happens to the containers.",
    "exec": "Runs a command in a running container.",
    "export": "Writes a container's files as an archive.",
    "explain": "Explains the code of a problem.",
    "graph": "Draws who waits for whom.",
    "history": "Shows what made an image.",
    "image ls": "Lists the images that are here.",
    "image prune": "Removes the images that nobody needs.",
    "images": "Lists the images that the containers use.",
    "import": "Makes an image of an archive of files.",
    "init": "Writes a first compose.yaml.",
    "kill": "Sends running containers a signal.",
    "load": "Takes in the images of an archive.",
    "login": "Keeps credentials for a registry.",
    "logout": "Forgets the credentials for a registry.",
    "logs": "Shows the output of the containers.",
    "ls": "Lists the stacks.",
    "pause": "Makes running containers stand still.",
    "plan": "Shows what `up` would do, and why.",
    "port": "Prints where a published port is.",
    "ps": "Lists the containers.",
    "pull": "Gets images from their registries.",
    "push": "Gives images to their registries.",
    "restart": "Stops containers and starts them again.",
    "rm": "Removes containers that have ended.",
    "restore": "Brings the enabled stacks back, as at a boot.",
    "rmi": "Removes images.",
    "rollback": "Takes services back to what they were before their last change.",
    "run": "Runs a command in a container of its own.",
    "save": "Writes images as an archive.",
    "scale": "Runs as many replicas as asked for.",
    "schema": "Prints the JSON Schema of Compose files, for editors.",
    "start": "Starts containers that exist.",
    "stats": "Shows what the containers use.",
    "stop": "Stops containers and keeps them.",
    "tag": "Gives an image one more name.",
    "top": "Lists the processes of the containers.",
    "unpause": "Lets paused containers go on.",
    "up": "Makes and starts what the file asks for.",
    "version": "Tells the version.",
    "volumes": "Lists the stack's volumes.",
    "wait": "Waits until containers have ended.",
    "watch": "Brings changed files into containers, or makes these anew.",
}
ALIASES = {
    "convert": "config",  # what Compose used to call it
    "image list": "image ls",
    "image remove": "rmi",
    "image rm": "rmi",
    "image tag": "tag",
    "image history": "history",
    "image import": "import",
    "image load": "load",
    "image save": "save",
    "system df": "df",
}
GROUPS = frozenset(("builder", "image", "system"))
"""Words that say what the verb behind them is about."""
NOT_YET = frozenset(("publish",))


def carry_out(arguments: list[str]) -> int:
    """Runs the verb that the arguments name; returns its exit status. Errors come out as they are."""
    if arguments[:1] == ["help"]:
        arguments = [*arguments[1:3], "--help"]
    called = _called_plainly(arguments)
    if called is not None:
        return called()
    from compose.cli import typed  # noqa: PLC0415 - loading typer takes longer than most verbs

    return typed.run(arguments, prepare=prepare, verbs=VERBS, join=_joined, load=load, interspersed=_interspersed)


def load(name: str) -> Callable[..., Any]:
    """A verb's function. Refuses words that are no verbs with what may have been meant."""
    if name in NOT_YET:
        raise UsageError(f"windlass {name} is not supported yet", hint=f"the verbs so far: {', '.join(VERBS)}")
    if name not in VERBS:
        from compose.spelling import did_you_mean  # noqa: PLC0415 - only for mistakes

        known = (*VERBS, *ALIASES, *NOT_YET)
        among = ", ".join(each for each in known if each.startswith(f"{name} "))
        hint = f"say what: {among}" if among else did_you_mean(name, known)
        raise UsageError(f"windlass has no verb '{name}'", hint=hint)
    with PatternsOnDemand():
        command: Callable[..., Any] = import_module(f"compose.cli.{_module(name)}").command
    return command


def prepare(
    *,
    file: Annotated[list[str], Option("--file", "-f", tells="A Compose file; may be repeated.")] = [],  # noqa: B006
    project_name: Annotated[str, Option("--project-name", "-p", tells="The stack's name.")] = "",
    project_directory: Annotated[str, Option(tells="What relative paths start from.")] = "",
    profile: Annotated[list[str], Option(tells="A profile to enable; may be repeated.")] = [],  # noqa: B006
    env_file: Annotated[list[str], Option(tells="Read instead of .env; may be repeated.")] = [],  # noqa: B006
    ansi: Annotated[str, Option(tells="Colours: never, always or auto.")] = "",
    progress: Annotated[str, Option(tells="auto, tty, plain, json or quiet.")] = "",
    run_root: Annotated[str, Option(hidden=True)] = "",
    data_root: Annotated[str, Option(hidden=True)] = "",
    parallel: Annotated[int, Option(tells="Most things to do at a time; -1: no limit.")] = 0,
    dry_run: Annotated[bool, Option("--dry-run", tells="Show what would be done; change nothing.")] = False,
    compatibility: Annotated[bool, Option("--compatibility", tells="Names with _, as in Compose 1.")] = False,
    all_resources: Annotated[
        bool, Option("--all-resources", tells="Networks and volumes, too, that no service uses.")
    ] = False,
    adopt: Annotated[
        bool, Option("--adopt", tells="Touch the stack even if it was made from another directory.")
    ] = False,
    lock_timeout: Annotated[
        float | None, Option(tells="Most seconds to wait for another command on the stack; 0: not at all.")
    ] = None,
    version: Annotated[bool, Option("--version", "-v", tells="Tells the version.")] = False,
    workdir: Annotated[str, Option(hidden=True)] = "",
    no_ansi: Annotated[bool, Option("--no-ansi", hidden=True)] = False,
    verbose: Annotated[bool, Option("--verbose", hidden=True)] = False,
) -> Session | None:
    """Brings Compose stacks up straight from the Linux kernel, and lets them down again."""
    del verbose  # an old word of Compose's, as the two before it
    if version:
        sys.stdout.write(f"windlass version {VERSION}\n")
        return None
    return Session(
        Globals(
            files=tuple(file),
            project_name=project_name,
            project_directory=project_directory or workdir,
            profiles=tuple(profile),
            env_files=tuple(env_file),
            ansi="never" if no_ansi else ansi,
            progress=progress,
            run_root=run_root,
            data_root=data_root,
            parallel=parallel,
            dry_run=dry_run,
            compatibility=compatibility or os.environ.get("COMPOSE_COMPATIBILITY", "") in {"1", "true"},
            all_resources=all_resources,
            adopt=adopt,
            lock_timeout=lock_timeout,
        ),
        environment=dict(os.environ),
        working_directory=Path.cwd(),
    )


def _called_plainly(arguments: list[str]) -> Callable[[], int] | None:
    """The call that a plain command line asks for; None leaves it to typer."""
    before = plainwords.parse(prepare, arguments, until_first_word=True)
    if before is None or not before.rest or _joined(before.rest)[0] not in VERBS:
        return None
    name, *words = _joined(before.rest)
    command = load(name)
    if Session not in command.__annotations__.values():
        return None
    values = plainwords.parse_all(command, words, until_first_word=not _interspersed(name))
    if values is None:
        return None

    def call() -> int:
        session = prepare(**before.values)
        status = command(session, **values) if session else 0
        return status if isinstance(status, int) else 0

    return call


def _module(verb: str) -> str:
    """The name of a verb's module: one word that Python does not need itself."""
    return "import_" if verb == "import" else verb.replace(" ", "_")


def _joined(words: list[str]) -> list[str]:
    """The words with a verb of two words as one, by the name that it has here."""
    if words[0] in GROUPS and len(words) > 1 and not words[1].startswith("-"):
        words = [f"{words[0]} {words[1]}", *words[2:]]
    return [ALIASES.get(words[0], words[0]), *words[1:]]


def _interspersed(name: str) -> bool:
    """Whether options may follow a verb's words; those of exec's and run's commands may have options of their own."""
    return name not in {"exec", "run"}
