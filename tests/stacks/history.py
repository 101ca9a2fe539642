"""Judges whether what several commands saw of one container could have happened one after the other.

A command is a span of time with the changes that it told of. The commands are looked for an order in which each begins
after all that had ended before it began, and in which each tells what it would have told alone. A command that changes
something has the stack to itself; one that only looks may see the moments between its changes.
"""

from collections.abc import Iterable
from typing import NamedTuple

Changes = dict[tuple[str, str], tuple[tuple[str, str], ...]]
"""What a verb does to a container that is so: each thing that it tells, with how the container is afterwards."""

CHANGES: Changes = {
    ("up", "absent"): (("Created", "created"), ("Started", "running")),
    ("up", "exited"): (("Started", "running"),),
    ("stop", "running"): (("Stopped", "exited"),),
    ("start", "exited"): (("Started", "running"),),
    ("restart", "running"): (("Stopped", "exited"), ("Started", "running")),
    ("restart", "exited"): (("Started", "running"),),
    ("down", "running"): (("Stopped", "exited"), ("Removed", "absent")),
    ("down", "exited"): (("Removed", "absent"),),
}
"""Whatever is not listed changes nothing and tells nothing."""


class Command(NamedTuple):
    """What was run from when to when, and what it told: of a look, how the container was."""

    verb: str
    began: float
    ended: float
    told: tuple[str, ...]


class _Moment(NamedTuple):
    """What is over, how the container is, who is about to do what to it next."""

    over: frozenset[int]
    state: str
    busy: int = -1
    coming: tuple[str, ...] = ()


def explains(commands: Iterable[Command], *, first: str = "absent", last: str) -> bool:
    """Whether the commands can have happened one after the other, from the first state to the last."""
    history = tuple(commands)
    seen: set[_Moment] = set()
    pending = [_Moment(frozenset(), first)]
    while pending:
        moment = pending.pop()
        if len(moment.over) == len(history) and moment.state == last:
            return True
        if moment not in seen:
            seen.add(moment)
            pending += _next(history, moment)
    return False


def _next(history: tuple[Command, ...], moment: _Moment) -> list[_Moment]:
    """The moments that may follow; looks that fit are taken at once, for they change nothing."""
    waiting = [number for number in range(len(history)) if number not in moment.over]
    deadline = min((history[number].ended for number in waiting), default=0.0)
    may_be_next = [number for number in waiting if history[number].began <= deadline and number != moment.busy]
    for number in may_be_next:
        if history[number].verb == "ps" and history[number].told == (moment.state,):
            return [moment._replace(over=moment.over | {number})]
    if moment.coming:
        done = moment._replace(state=moment.coming[0], coming=moment.coming[1:])
        if not done.coming:
            done = done._replace(over=done.over | {done.busy}, busy=-1)
        return [done]
    found = []
    for number in may_be_next:
        command = history[number]
        changes = CHANGES.get((command.verb, moment.state), ())
        if command.verb == "ps" or command.told != tuple(told for told, _ in changes):
            continue
        if not changes:  # the same whenever it is: the sooner, the more may follow
            return [moment._replace(over=moment.over | {number})]
        found.append(moment._replace(busy=number, coming=tuple(state for _, state in changes)))
    return found
