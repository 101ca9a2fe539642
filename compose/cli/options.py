"""What a verb's parameters say of themselves: read by the fast parser, translated for typer.

A verb is a function whose first parameter is the Session; the others are annotated:

    def command(session: Session, services: Annotated[list[str] | None, Argument("Only these.")] = None, *,
                quiet: Annotated[bool, Option("--quiet", "-q", tells="Ids only.")] = False) -> None

It never imports typer itself: loading that takes longer than most verbs take.
"""


class Option:
    """An option by its spellings; a flag if its type is bool, to be repeated if it is a list.

    A flag that is on unless told otherwise names its opposite ("--orphans/--no-orphans").
    """

    __slots__ = ("hidden", "spellings", "tells")

    def __init__(self, *spellings: str, tells: str = "", hidden: bool = False) -> None:
        self.spellings = spellings
        self.tells = tells
        self.hidden = hidden


class Argument:
    """A word that stands for itself, or all that are left over if its type is a list."""

    __slots__ = ("metavar", "tells")

    def __init__(self, tells: str = "", *, metavar: str | None = None) -> None:
        self.tells = tells
        self.metavar = metavar
