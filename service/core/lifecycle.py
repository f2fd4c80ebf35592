"""The life of a stream, as a table: what each event does in each state."""

from __future__ import annotations

from enum import Enum, Flag, auto
from typing import NamedTuple

from service.core.errors import ServiceError, StreamExists, StreamNotFound


class State(Enum):
    """Where a stream lives, as this process sees it."""

    ABSENT = auto()
    STORED = auto()
    """In the state store, and not in this process."""
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
    LEAVE = auto()
    """This process gives it up, and it lives on in the store."""


class Effect(Flag):
    NONE = 0
    START = auto()
    """Lend a slot and set it to the initial state."""
    RESTORE = auto()
    """Lend a slot and set it to the stored checkpoint."""
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
    (State.ABSENT, Event.LEAVE): Transition(State.ABSENT, Effect.NONE),
    #
    (State.STORED, Event.CREATE): StreamExists,
    (State.STORED, Event.RESUME): Transition(State.ATTACHED, Effect.RESTORE),
    (State.STORED, Event.RESTART): Transition(State.ATTACHED, Effect.START),
    (State.STORED, Event.CLOSE): Transition(State.STORED, Effect.NONE),
    (State.STORED, Event.DETACH): Transition(State.STORED, Effect.NONE),
    (State.STORED, Event.EXPIRE): Transition(State.ABSENT, Effect.NONE),
    (State.STORED, Event.LEAVE): Transition(State.STORED, Effect.NONE),
    #
    (State.ATTACHED, Event.CREATE): StreamExists,
    (State.ATTACHED, Event.RESUME): Transition(State.ATTACHED, Effect.DISPLACE),
    (State.ATTACHED, Event.RESTART): Transition(
        State.ATTACHED, Effect.DISPLACE | Effect.FREE | Effect.START
    ),
    (State.ATTACHED, Event.CLOSE): Transition(State.ABSENT, Effect.FREE),
    (State.ATTACHED, Event.DETACH): Transition(State.DETACHED, Effect.NONE),
    (State.ATTACHED, Event.EXPIRE): Transition(State.ATTACHED, Effect.NONE),
    (State.ATTACHED, Event.LEAVE): Transition(State.STORED, Effect.DISPLACE | Effect.FREE),
    #
    (State.DETACHED, Event.CREATE): StreamExists,
    (State.DETACHED, Event.RESUME): Transition(State.ATTACHED, Effect.NONE),
    (State.DETACHED, Event.RESTART): Transition(State.ATTACHED, Effect.FREE | Effect.START),
    (State.DETACHED, Event.CLOSE): Transition(State.ABSENT, Effect.FREE),
    (State.DETACHED, Event.DETACH): Transition(State.DETACHED, Effect.NONE),
    (State.DETACHED, Event.EXPIRE): Transition(State.ABSENT, Effect.FREE),
    (State.DETACHED, Event.LEAVE): Transition(State.STORED, Effect.FREE),
}
