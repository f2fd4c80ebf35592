"""The life of a stream, as a table: what each event does in each state."""

from __future__ import annotations

from enum import Enum, Flag, auto
from typing import NamedTuple

from service.core.errors import ServiceError, StreamExists, StreamNotFound


class State(Enum):
    ABSENT = auto()
    ATTACHED = auto()
    DETACHED = auto()


class Event(Enum):
    CREATE = auto()
    RESUME = auto()
    """With the stream's token, whichever mode the open names."""
    RESTART = auto()
    CLOSE = auto()
    DETACH = auto()
    EXPIRE = auto()


class Effect(Flag):
    NONE = 0
    START = auto()
    """Lend a slot and set it to the initial state."""
    FREE = auto()
    """Take the old slot back."""
    DISPLACE = auto()
    """Tell the connection that had the stream."""


class Transition(NamedTuple):
    state: State
    effect: Effect


TRANSITIONS: dict[tuple[State, Event], Transition | type[ServiceError]] = {
    (State.ABSENT, Event.CREATE): Transition(State.ATTACHED, Effect.START),
    (State.ABSENT, Event.RESUME): StreamNotFound,
    (State.ABSENT, Event.RESTART): Transition(State.ATTACHED, Effect.START),
    (State.ABSENT, Event.CLOSE): Transition(State.ABSENT, Effect.NONE),
    (State.ABSENT, Event.DETACH): Transition(State.ABSENT, Effect.NONE),
    (State.ABSENT, Event.EXPIRE): Transition(State.ABSENT, Effect.NONE),
    #
    (State.ATTACHED, Event.CREATE): StreamExists,
    (State.ATTACHED, Event.RESUME): Transition(State.ATTACHED, Effect.DISPLACE),
    (State.ATTACHED, Event.RESTART): Transition(
        State.ATTACHED, Effect.DISPLACE | Effect.FREE | Effect.START
    ),
    (State.ATTACHED, Event.CLOSE): Transition(State.ABSENT, Effect.FREE),
    (State.ATTACHED, Event.DETACH): Transition(State.DETACHED, Effect.NONE),
    (State.ATTACHED, Event.EXPIRE): Transition(State.ATTACHED, Effect.NONE),
    #
    (State.DETACHED, Event.CREATE): StreamExists,
    (State.DETACHED, Event.RESUME): Transition(State.ATTACHED, Effect.NONE),
    (State.DETACHED, Event.RESTART): Transition(State.ATTACHED, Effect.FREE | Effect.START),
    (State.DETACHED, Event.CLOSE): Transition(State.ABSENT, Effect.FREE),
    (State.DETACHED, Event.DETACH): Transition(State.DETACHED, Effect.NONE),
    (State.DETACHED, Event.EXPIRE): Transition(State.ABSENT, Effect.FREE),
}
