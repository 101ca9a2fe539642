"""Lays services over those that they extend ("Extends" of the Compose Specification)."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from compose import codes
from compose.errors import Problem
from compose.nodes import Node
from compose.reading.merging import inherited
from compose.spelling import did_you_mean


class Layer(Protocol):
    """The services of one file, or of one document of it, as that file alone says."""

    @property
    def name(self) -> str:
        """The file, as messages call it."""

    def names(self) -> Mapping[str, object]:
        """The services' names."""

    def service(self, name: str) -> Node | None:
        """One service in canonical form; None when it is wrong, which has been told."""

    def other(self, file: Node, service_name: str) -> "Layer | None":
        """The layer of another file, which the service `service_name` names; None when there is none, likewise."""


class _Step(NamedTuple):
    """A service on the way to the one that extends nothing."""

    layer: Layer
    name: str
    service: Node


class Inheritance:
    """Completes services; keeps the problems."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._whole: dict[tuple[int, str], Node] = {}

    def service(self, layer: Layer, name: str) -> Node | None:
        """A service with all that it inherits."""
        steps: list[_Step] = []
        known: Node | None = None
        while True:
            known = self._whole.get((id(layer), name))
            service = layer.service(name) if known is None else None
            if service is None:
                break
            circle = next((index for index, step in enumerate(steps) if (step.layer, step.name) == (layer, name)), None)
            if circle is not None:
                self._tell_circle(steps[circle:])
                break
            steps.append(_Step(layer, name, service))
            base = self._base(layer, name, service)
            if base is None:
                break
            layer, name = base
        for step in reversed(steps):
            own = step.service
            if "extends" in own.fields:
                own = own.with_value({key: child for key, child in own.fields.items() if key != "extends"})
            known = own if known is None else inherited(known, own)
            self._whole[id(step.layer), step.name] = known
        return known

    def _base(self, layer: Layer, name: str, service: Node) -> tuple[Layer, str] | None:
        extends = service.fields.get("extends")
        if extends is None or extends.tag == "!reset":
            return None
        wanted, file = extends.fields["service"], extends.fields.get("file")
        base_name = str(wanted.value)
        base = layer if file is None else layer.other(file, name)
        if base is None:
            return None
        if base_name in base.names():
            return base, base_name
        hint = did_you_mean(base_name, base.names()) or f"the services of {base.name} are {', '.join(base.names())}"
        message = f"services.{name} extends '{base_name}', which is no service of {base.name}"
        self.problems.append(Problem(wanted.place, message, hint, codes.UNKNOWN_SERVICE))
        return None

    def _tell_circle(self, steps: list[_Step]) -> None:
        first = min(range(len(steps)), key=lambda index: (steps[index].layer.name, steps[index].name))
        steps = steps[first:] + steps[:first]
        places = [step.service.fields["extends"].fields["service"].place for step in steps]
        way = " -> ".join(step.name for step in (*steps, steps[0]))
        edges = "; ".join(
            f"{step.name} extends {step.service.fields['extends'].fields['service'].value} ({place})"
            for step, place in zip(steps, places, strict=True)
        )
        message = f"services extend each other in a circle: {way}"
        self.problems.append(Problem(places[0], message, f"break one of: {edges}", codes.CIRCLE, tuple(places[1:])))
