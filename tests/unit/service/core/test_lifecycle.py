from __future__ import annotations

from itertools import product

from service.core.lifecycle import TRANSITIONS, Effect, Event, State, Transition

HERE = (State.ATTACHED, State.DETACHED)


def test_every_event_is_decided_in_every_state() -> None:
    assert set(TRANSITIONS) == set(product(State, Event))


def test_slots_are_lent_and_freed_exactly_with_the_streams() -> None:
    for (state, _), found in TRANSITIONS.items():
        if not isinstance(found, Transition):
            continue
        before = state in HERE
        after = found.state in HERE
        lent = bool(found.effect & (Effect.START | Effect.RESTORE)) - (Effect.FREE in found.effect)
        assert lent == after - before


def test_only_an_attached_stream_displaces_a_connection() -> None:
    for (state, _), found in TRANSITIONS.items():
        if isinstance(found, Transition) and Effect.DISPLACE in found.effect:
            assert state is State.ATTACHED
