"""The door of typer: help, every form that an option may have, the messages about words that do not fit."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from compose.cli.options import Argument, Option
from compose.cli.plainwords import TRUTHS
from compose.cli.session import Session

SETTINGS: dict[str, Any] = {"add_completion": False, "rich_markup_mode": None, "pretty_exceptions_enable": False}


def run(
    arguments: list[str],
    *,
    prepare: Callable[..., Session | None],
    verbs: Mapping[str, str],
    load: Callable[[str], Callable[..., Any]],
    interspersed: Callable[[str], bool],
    join: Callable[[list[str]], list[str]] = lambda words: words,
) -> int:
    """Runs the verb that the arguments name; returns its exit status. Errors come out as they are.

    `prepare` makes the Session from the options before the verb, or none if they were all there was to do; `verbs` are
    one line of help by name, `join` finds the name that words begin with; `load` gives a verb's function;
    options may follow a verb's words if `interspersed`.
    """

    class Verbs(TyperGroup):
        """A group that loads a verb when it is asked for the verb."""

        def list_commands(self, ctx: Any) -> list[str]:
            """The verbs' names."""
            del ctx
            return list(verbs)

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            """The verb, or None for a word that is none."""
            del ctx
            if cmd_name not in verbs:
                return None
            verb = typer.Typer(**SETTINGS)
            settings = {"allow_interspersed_args": interspersed(cmd_name)}
            verb.command(name=cmd_name, cls=_Verb, help=verbs[cmd_name], context_settings=settings)(
                _verb(load(cmd_name))
            )
            return typer.main.get_command(verb)

        def resolve_command(self, ctx: Any, args: list[str]) -> Any:
            """Refuses words that are no verbs in the words of `load`."""
            args = join(args)
            if args[0] not in verbs:
                load(args[0])
            return super().resolve_command(ctx, args)

        def format_commands(self, ctx: Any, formatter: Any) -> None:
            """Lists the verbs without loading them."""
            del ctx
            with formatter.section("Commands"):
                formatter.write_dl(list(verbs.items()))

    app = typer.Typer(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]}, **SETTINGS)
    app.callback(invoke_without_command=True, help=prepare.__doc__)(_before(prepare))
    command = typer.main.get_command(app)
    try:
        # The command's own main() would turn errors into words and statuses of its own.
        with command.make_context("windlass", arguments) as context:
            status = command.invoke(context)
    except typer.Exit as leaving:
        return leaving.exit_code
    return status if isinstance(status, int) else 0


class _Verb(TyperCommand):
    """A verb whose flags may be given as Go's are (`--orphans=false`)."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Reads a verb's words."""
        flags = {
            spelling: option for option in self.params if getattr(option, "is_flag", False) for spelling in option.opts
        }
        words, left = [], iter(args)
        for word in left:
            spelling, equals, value = word.partition("=")
            if equals and spelling in flags and value in TRUTHS:
                words += [spelling] if TRUTHS[value] else flags[spelling].secondary_opts[:1]
            else:
                words.append(word)
            if not ctx.allow_interspersed_args and not word.startswith("-"):
                break
        return super().parse_args(ctx, [*words, *left])


def _before(prepare: Callable[..., Session | None]) -> Callable[..., None]:
    def callback(context: typer.Context, **values: Any) -> None:
        context.obj = prepare(**values)
        if context.obj is None:
            raise typer.Exit
        if context.invoked_subcommand is None:
            typer.echo(context.get_help())
            raise typer.Exit

    return _with_signature_of(prepare, callback)


_DRY_RUN = "dry_run"


def _verb(command: Callable[..., Any]) -> Callable[..., Any]:
    """The verb as typer wants it: the context first, its own descriptions of the rest.

    Every verb knows --dry-run, as it may stand before the verb as well.
    """
    if typer.Context in command.__annotations__.values():
        return command
    has_own = _DRY_RUN in inspect.signature(command).parameters

    def callback(context: typer.Context, **values: Any) -> Any:
        session: Session = context.obj
        if not has_own and values.pop(_DRY_RUN):
            session.options = session.options._replace(dry_run=True)
        return command(session, **values)

    return _with_signature_of(command, callback, more=() if has_own else (_dry_run_parameter(),))


def _dry_run_parameter() -> inspect.Parameter:
    annotation = Annotated[bool, Option("--dry-run", hidden=True)]
    return inspect.Parameter(_DRY_RUN, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=annotation)


def _with_signature_of(
    described: Callable[..., Any], callback: Callable[..., Any], more: Iterable[inspect.Parameter] = ()
) -> Callable[..., Any]:
    parameters = [inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)]
    parameters += [
        parameter.replace(annotation=_annotation(parameter.annotation))
        for parameter in (*inspect.signature(described).parameters.values(), *more)
        if parameter.annotation is not Session
    ]
    callback.__doc__ = described.__doc__
    vars(callback)["__signature__"] = inspect.Signature(parameters)  # where inspect looks first
    callback.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return callback


def _annotation(annotation: Any) -> Any:
    match getattr(annotation, "__metadata__", ()):
        case (Option() as option,):
            info = typer.Option(*option.spellings, help=option.tells, hidden=option.hidden)
        case (Argument() as argument,):
            info = typer.Argument(help=argument.tells, metavar=argument.metavar)
        case _:
            return annotation  # described for typer itself
    return Annotated[annotation.__origin__, info]
