"""The verbs and the options that stand before them; a verb's module is loaded when it is typed."""

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from compose.cli.session import Globals, Session
from compose.errors import UsageError
from compose.spelling import did_you_mean
from engine.version import VERSION

VERBS = {
    "build": "Builds the images of services with a Dockerfile.",
    "config": "Checks the file, prints it in its canonical form.",
    "doctor": "Tells what this machine offers, what is missing, how to mend it.",
    "down": "Stops the stack, removes what was made for it.",
    "exec": "Runs a command in a running container.",
    "images": "Lists the images that the containers use.",
    "logs": "Shows the output of the containers.",
    "plan": "Shows what `up` would do, and why.",
    "ps": "Lists the containers.",
    "up": "Makes and starts what the file asks for.",
    "version": "Tells the version.",
}
NOT_YET = frozenset(
    (
        "attach",
        "commit",
        "cp",
        "create",
        "events",
        "export",
        "kill",
        "ls",
        "pause",
        "port",
        "publish",
        "pull",
        "push",
        "restart",
        "rm",
        "run",
        "scale",
        "start",
        "stats",
        "stop",
        "top",
        "unpause",
        "volumes",
        "wait",
        "watch",
    )
)
OPTIONS: dict[str, Any] = {"add_completion": False, "rich_markup_mode": None, "pretty_exceptions_enable": False}


class LazyGroup(TyperGroup):
    """A group that imports a verb's module when it is asked for the verb."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The verbs' names."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The verb, or None for a word that is none."""
        del ctx
        if cmd_name not in VERBS:
            return None
        module = import_module(f"compose.cli.{cmd_name}")
        verb = typer.Typer(**OPTIONS)
        settings = {"allow_interspersed_args": cmd_name != "exec"}  # its arguments may hold options of their own
        verb.command(name=cmd_name, help=VERBS[cmd_name], context_settings=settings)(module.command)
        return typer.main.get_command(verb)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Refuses words that are no verbs with what may have been meant."""
        name = args[0]
        if name in NOT_YET:
            raise UsageError(f"windlass {name} is not supported yet", hint=f"the verbs so far: {', '.join(VERBS)}")
        if name not in VERBS:
            raise UsageError(f"windlass has no verb '{name}'", hint=did_you_mean(name, (*VERBS, *NOT_YET)))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Lists the verbs without loading them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


def carry_out(arguments: list[str]) -> int:
    """Runs the verb that the arguments name; returns its exit status. Errors come out as they are."""
    app = typer.Typer(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]}, **OPTIONS)
    app.callback(invoke_without_command=True)(prepare)
    command = typer.main.get_command(app)
    try:
        # The command's own main() would turn errors into words and statuses of its own.
        with command.make_context("windlass", arguments) as context:
            status = command.invoke(context)
    except typer.Exit as leaving:
        return leaving.exit_code
    return status if isinstance(status, int) else 0


def prepare(
    context: typer.Context,
    *,
    file: Annotated[list[str], typer.Option("--file", "-f", help="A Compose file; may be repeated.")] = [],  # noqa: B006
    project_name: Annotated[str, typer.Option("--project-name", "-p", help="The stack's name.")] = "",
    project_directory: Annotated[str, typer.Option(help="What relative paths start from.")] = "",
    profile: Annotated[list[str], typer.Option(help="A profile to enable; may be repeated.")] = [],  # noqa: B006
    env_file: Annotated[list[str], typer.Option(help="Read instead of .env; may be repeated.")] = [],  # noqa: B006
    ansi: Annotated[str, typer.Option(help="Colours: never, always or auto.")] = "",
    progress: Annotated[str, typer.Option(help="auto, tty, plain, json or quiet.")] = "",
    run_root: Annotated[str, typer.Option(hidden=True)] = "",
    data_root: Annotated[str, typer.Option(hidden=True)] = "",
    version: Annotated[bool, typer.Option("--version", "-v", help="Tells the version.")] = False,
) -> None:
    """Brings Compose stacks up straight from the Linux kernel, and lets them down again."""
    if version:
        sys.stdout.write(f"windlass version {VERSION}\n")
        raise typer.Exit
    if context.invoked_subcommand is None:
        sys.stdout.write(f"{context.get_help()}\n")
        raise typer.Exit
    context.obj = Session(
        Globals(
            files=tuple(file),
            project_name=project_name,
            project_directory=project_directory,
            profiles=tuple(profile),
            env_files=tuple(env_file),
            ansi=ansi,
            progress=progress,
            run_root=run_root,
            data_root=data_root,
        ),
        environment=dict(os.environ),
        working_directory=Path.cwd(),
    )
