"""A template's text becomes a tree: see text/template of Go's library."""

import re
from typing import NamedTuple

from compose.errors import UsageError


class Literal(NamedTuple):
    """A value that stands in the template."""

    value: object


class Variable(NamedTuple):
    """`$name`, or `$`, the value that the template was given."""

    name: str


class Dot(NamedTuple):
    """`.`, the value that things are asked of here."""


class Function(NamedTuple):
    """A function by its name."""

    name: str


class Chain(NamedTuple):
    """Fields of a value, one after another (`.Names.First`)."""

    of: "Operand"
    names: tuple[str, ...]


class Command(NamedTuple):
    """An operand, or a function or method with its arguments."""

    head: "Operand"
    arguments: tuple["Operand", ...] = ()


class Pipeline(NamedTuple):
    """Commands, each given the result of the one before; the last result may be given to variables."""

    commands: tuple[Command, ...]
    variables: tuple[str, ...] = ()
    declares: bool = False


Operand = Literal | Variable | Dot | Function | Chain | Pipeline


class Text(NamedTuple):
    """What is printed as it stands."""

    text: str


class Show(NamedTuple):
    """What is printed once it is known."""

    pipeline: Pipeline


class Block(NamedTuple):
    """`if`, `with` or `range` (the keyword) over a body; the other body is for what is empty."""

    keyword: str
    pipeline: Pipeline
    body: tuple["Node", ...]
    otherwise: tuple["Node", ...]


Node = Text | Show | Block

_BLOCKS = ("if", "with", "range")
_CONSTANTS = {"true": True, "false": False, "nil": None}
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)
      | (?P<number>[-+]?\d[\d_]*(?:\.\d+)?)
      | (?P<variable>\$\w*)
      | (?P<field>\.\w+)
      | (?P<word>\w+)
      | (?P<mark>:=|[=|(),.])
    )""",
    re.VERBOSE,
)
_ACTION = re.compile(
    r"""\{\{(?P<left>-\s)?\s*(?:/\*.*?\*/|(?P<inside>(?:"(?:[^"\\\n]|\\.)*"|`[^`]*`|[^"`])*?))\s*(?P<right>\s-)?\}\}""",
    re.DOTALL | re.VERBOSE,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "'": "'"}


class _Token(NamedTuple):
    kind: str
    text: str
    spaced: bool  # whether space stands before it


def parse(source: str) -> tuple[Node, ...]:
    """The template's tree; UsageError when it is none."""
    parser = _Parser(_pieces(source), source)
    nodes, end = parser.nodes()
    if end:
        raise parser.wrong(f"{{{{{end}}}}} closes nothing")
    return nodes


def _pieces(source: str) -> list[str | list[_Token]]:
    """Texts and actions in turn; comments are left out, and the space that actions take away."""
    pieces: list[str | list[_Token]] = []
    at, strip = 0, False
    for action in _ACTION.finditer(source):
        text = source[at : action.start()]
        text = text.lstrip() if strip else text
        pieces.append(text.rstrip() if action["left"] else text)
        if action["inside"] is not None:
            pieces.append(_tokens(action["inside"], source))
        at, strip = action.end(), bool(action["right"])
    rest = source[at:]
    if "{{" in rest:
        raise UsageError(f"--format {source}: an action is not closed", hint="every {{ needs its }}")
    pieces.append(rest.lstrip() if strip else rest)
    return pieces


def _tokens(inside: str, source: str) -> list[_Token]:
    tokens, at = [], 0
    inside = inside.rstrip()
    while at < len(inside):
        found = _TOKEN.match(inside, at)
        if found is None:
            raise UsageError(f"--format {source}: cannot read {inside[at:].strip()!r}", hint="see docs/output.md")
        kind = found.lastgroup or ""
        tokens.append(_Token(kind, found[kind], inside[at : at + 1].isspace()))
        at = found.end()
    return tokens


class _Parser:
    """Reads pieces into nodes, and the tokens of one action at a time."""

    def __init__(self, pieces: list[str | list[_Token]], source: str) -> None:
        self._pieces = iter(pieces)
        self._source = source
        self._tokens: list[_Token] = []

    def nodes(self) -> tuple[tuple[Node, ...], str]:
        """Nodes up to an `end` or `else` of somebody above, with that word; its tokens are left to read."""
        found: list[Node] = []
        for piece in self._pieces:
            if isinstance(piece, str):
                if piece:
                    found.append(Text(piece))
                continue
            self._tokens = piece
            word = piece[0].text if piece and piece[0].kind == "word" else ""
            if word in {"end", "else"}:
                self._tokens.pop(0)
                return tuple(found), word
            if word in _BLOCKS:
                self._tokens.pop(0)
                found.append(self._block(word))
            elif word in {"define", "template", "block", "break", "continue"}:
                raise self.wrong(f"{word} is not supported")
            else:
                found.append(Show(self._whole_pipeline()))
        return tuple(found), ""

    def wrong(self, what: str) -> UsageError:
        """The error that says so."""
        return UsageError(f"--format {self._source}: {what}", hint="see docs/output.md for what templates may say")

    def _block(self, keyword: str) -> Block:
        pipeline = self._whole_pipeline()
        body, end = self.nodes()
        otherwise: tuple[Node, ...] = ()
        if end == "else" and self._tokens:  # else if ...
            word = self._tokens.pop(0).text
            if word not in _BLOCKS:
                raise self.wrong(f"else {word} is not supported")
            return Block(keyword, pipeline, body, (self._block(word),))
        if end == "else":
            otherwise, end = self.nodes()
        if end != "end":
            raise self.wrong(f"{{{{{keyword}}}}} has no {{{{end}}}}")
        return Block(keyword, pipeline, body, otherwise)

    def _whole_pipeline(self) -> Pipeline:
        pipeline = self._pipeline()
        if self._tokens:
            raise self.wrong(f"unexpected {self._tokens[0].text}")
        return pipeline

    def _pipeline(self) -> Pipeline:
        variables, declares = self._variables()
        commands = [self._command()]
        while self._takes("|"):
            commands.append(self._command())
        return Pipeline(tuple(commands), variables, declares)

    def _variables(self) -> tuple[tuple[str, ...], bool]:
        """The names in front of `:=` or `=`, and whether they are new."""
        marks = [token.text for token in self._tokens[:4]]
        for length in (1, 3):
            if marks[length : length + 1] in (["="], [":="]) and marks[1:length] in ([], [",", marks[length - 1]]):
                names = [token.text for token in self._tokens[:length:2]]
                if not all(name.startswith("$") for name in names):
                    break
                del self._tokens[: length + 1]
                return tuple(names), marks[length] == ":="
        return (), False

    def _command(self) -> Command:
        operands = []
        while self._tokens and self._tokens[0].text not in {"|", ")"}:
            operands.append(self._operand())
        if not operands:
            raise self.wrong("a value is missing")
        return Command(operands[0], tuple(operands[1:]))

    def _operand(self) -> Operand:
        token = self._tokens.pop(0)
        found: Operand
        match token.kind:
            case "string":
                found = Literal(_unquoted(token.text))
            case "number":
                digits = token.text.replace("_", "")
                found = Literal(float(digits) if "." in digits else int(digits))
            case "variable":
                found = Variable(token.text)
            case "field":
                found = Chain(Dot(), (token.text[1:],))
            case "word":
                found = Literal(_CONSTANTS[token.text]) if token.text in _CONSTANTS else Function(token.text)
            case _ if token.text == ".":
                found = Dot()
            case _ if token.text == "(":
                found = self._pipeline()
                if not self._takes(")"):
                    raise self.wrong("a parenthesis is not closed")
            case _:
                raise self.wrong(f"unexpected {token.text}")
        while self._tokens and self._tokens[0].kind == "field" and not self._tokens[0].spaced:
            name = self._tokens.pop(0).text[1:]
            found = Chain(found.of, (*found.names, name)) if isinstance(found, Chain) else Chain(found, (name,))
        return found

    def _takes(self, mark: str) -> bool:
        """Takes a mark if it is next."""
        if self._tokens and self._tokens[0] == _Token("mark", mark, self._tokens[0].spaced):
            self._tokens.pop(0)
            return True
        return False


def _unquoted(text: str) -> str:
    if text.startswith("`"):
        return text[1:-1]
    return re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[0]), text[1:-1])
