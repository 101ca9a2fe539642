"""A template's tree and a value become text."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from compose.errors import UsageError
from compose.showing.templates.functions import FUNCTIONS, HEADER_FUNCTIONS, Record, function, is_true, printed
from compose.showing.templates.syntax import (
    Block,
    Chain,
    Command,
    Dot,
    Function,
    Literal,
    Node,
    Operand,
    Pipeline,
    Show,
    Text,
    Variable,
    parse,
)

_NOTHING = object()


class Template:
    """A template that was read once; UsageError when it cannot be."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._nodes = parse(source)

    def text(self, value: object) -> str:
        """What it says of a value; UsageError when it asks for what is not there."""
        return self._run(value, FUNCTIONS)

    def header(self, names: Mapping[str, str]) -> str:
        """The line above a table, of the columns' names by field."""
        return self._run(Record(names, {"Label": lambda label: label.rpartition(".")[2]}), HEADER_FUNCTIONS)

    def _run(self, value: object, functions: Mapping[str, Callable[..., Any]]) -> str:
        try:
            return "".join(_Evaluation(value, functions).nodes(self._nodes, value))
        except (TypeError, AttributeError, IndexError, ValueError, ArithmeticError) as error:
            raise UsageError(
                f"--format {self._source}: {error}", hint="see docs/output.md for fields and functions"
            ) from error


class _Evaluation:
    """One run over a value; variables last as long as the block that they were declared in."""

    def __init__(self, root: object, functions: Mapping[str, Callable[..., Any]]) -> None:
        self._functions = functions
        self._variables: list[tuple[str, object]] = [("$", root)]

    def nodes(self, nodes: Iterable[Node], dot: object) -> Iterable[str]:
        """The texts of nodes, one after another."""
        depth = len(self._variables)
        for node in nodes:
            match node:
                case Text():
                    yield node.text
                case Show():
                    value = self._pipeline(node.pipeline, dot)
                    if not node.pipeline.variables:
                        yield printed(value)
                case Block():
                    yield from self._block(node, dot)
        del self._variables[depth:]

    def _block(self, block: Block, dot: object) -> Iterable[str]:
        depth = len(self._variables)
        if block.keyword == "range":
            yield from self._range(block, dot)
        else:
            value = self._pipeline(block.pipeline, dot)
            inner = value if block.keyword == "with" and is_true(value) else dot
            yield from self.nodes(block.body if is_true(value) else block.otherwise, inner)
        del self._variables[depth:]

    def _range(self, block: Block, dot: object) -> Iterable[str]:
        names = block.pipeline.variables
        value = self._pipeline(block.pipeline._replace(variables=()), dot)
        items: list[tuple[object, object]]
        if isinstance(value, Mapping):
            items = sorted(value.items())
        elif isinstance(value, int):
            items = [(number, number) for number in range(value)]
        elif isinstance(value, list | tuple) or value is None:
            items = list(enumerate(value or ()))
        else:
            raise TypeError(f"range can't iterate over {printed(value)}")
        if not items:
            yield from self.nodes(block.otherwise, dot)
        depth = len(self._variables)
        for key, item in items:
            if names:
                self._variables.extend(zip(names, (key, item) if len(names) > 1 else (item,), strict=True))
            yield from self.nodes(block.body, item)
            del self._variables[depth:]

    def _pipeline(self, pipeline: Pipeline, dot: object) -> Any:
        value: Any = _NOTHING
        for command in pipeline.commands:
            value = self._command(command, dot, value)
        for name in pipeline.variables:
            if pipeline.declares:
                self._variables.append((name, value))
            else:
                self._variables[self._place_of(name)] = (name, value)
        return value

    def _command(self, command: Command, dot: object, piped: Any) -> Any:
        head, arguments = command
        if isinstance(head, Function) and head.name in {"and", "or"}:
            return self._logic(head.name, [*arguments, *([] if piped is _NOTHING else [Literal(piped)])], dot)
        given = [self._operand(argument, dot) for argument in arguments]
        if piped is not _NOTHING:
            given.append(piped)
        if isinstance(head, Function):
            return function(head.name, self._functions)(*given)
        value = self._operand(head, dot, called=True)
        if callable(value):
            return value(*given)
        if given:
            raise TypeError("something that is no function is given arguments")
        return value

    def _logic(self, name: str, operands: list[Operand], dot: object) -> Any:
        value: Any = None
        for operand in operands:
            value = self._operand(operand, dot)
            if is_true(value) is (name == "or"):
                break
        return value

    def _operand(self, operand: Operand, dot: object, *, called: bool = False) -> Any:
        match operand:
            case Literal():
                return operand.value
            case Dot():
                return dot
            case Variable():
                return self._variables[self._place_of(operand.name)][1]
            case Function():
                return function(operand.name, self._functions)()
            case Pipeline():
                return self._pipeline(operand, dot)
            case Chain():
                value = self._operand(operand.of, dot)
                for name in operand.names:
                    value = _field(value, name)
                return value() if callable(value) and not called else value

    def _place_of(self, name: str) -> int:
        for place in reversed(range(len(self._variables))):
            if self._variables[place][0] == name:
                return place
        raise UsageError(f"--format: there is no variable {name}", hint=f"declare it first: {{{{{name} := ...}}}}")


def _field(value: object, name: str) -> object:
    if isinstance(value, Record):
        if name not in value and name not in value.methods:
            from compose.spelling import did_you_mean  # noqa: PLC0415 - only for mistakes

            hint = did_you_mean(name, value) or f"there are: {', '.join(sorted({*value, *value.methods}))}"
            raise UsageError(f"--format: there is no field {name}", hint=hint)
        return value[name] if name in value else value.methods[name]
    if isinstance(value, Mapping):
        return value.get(name)
    raise TypeError(f"{printed(value)} has no field {name}")
