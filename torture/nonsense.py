"""Messages of a fleet that make no sense: they end its call."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

from stepwire.v1 import stream_pb2 as pb
from torture.muster import Muster
from torture.seat import Seat

_NOBODYS = (1000, 2**16, 2**31, 2**32 - 1)
"""Handles beyond those that a fleet of a scenario has."""


def nonsense(source: random.Random, streams: Muster) -> pb.FleetRequest | None:
    """None for a fleet that has no streams of its own, or of one model alone."""
    seats = streams.present
    if len({seat.member.witness for seat in seats}) < 2:
        return None
    one = source.choice(seats)
    other = source.choice([seat for seat in seats if seat.member.witness is not one.member.witness])
    stranger = source.choice(_vacant(streams) or _NOBODYS)
    handles = [_handle(seat) for seat in (one, other)]
    sound = _steps([one])
    return source.choice(
        (
            pb.FleetRequest(),
            pb.FleetRequest(steps=_steps([one, one])),
            pb.FleetRequest(steps=_steps([one, other])),
            pb.FleetRequest(steps=_merged(sound, handles=_packed([stranger], "<u4"))),
            pb.FleetRequest(steps=_merged(sound, handles=b"odd")),
            pb.FleetRequest(steps=_merged(sound, steps=b"")),
            pb.FleetRequest(steps=_merged(sound, budgets_us=b"a budget of nobody")),
            pb.FleetRequest(steps=_merged(sound, ages_us=b"old")),
            pb.FleetRequest(steps=_merged(sound, verdicts=bytes(2))),
            pb.FleetRequest(leave=pb.FleetLeave(handles=[stranger], close=True)),
            pb.FleetRequest(leave=pb.FleetLeave(handles=[*handles, handles[0]], close=True)),
            pb.FleetRequest(leave=pb.FleetLeave(handles=[*handles, stranger], close=True)),
        )
    )


def _vacant(streams: Muster) -> Sequence[int]:
    """Handles that streams have had, unless one that is being opened may have got them."""
    opening = any(seat.handle is None for seat in streams.seats.values())
    return () if opening else sorted(streams.vacant)


def _handle(seat: Seat) -> int:
    assert seat.handle is not None
    return seat.handle


def _steps(seats: Sequence[Seat]) -> pb.FleetSteps:
    """The steps after all that were sent: a server that ran one would be found out."""
    members = [seat.member for seat in seats]
    return pb.FleetSteps(
        handles=_packed([_handle(seat) for seat in seats], "<u4"),
        steps=_packed([member.sent for member in members], "<u8"),
        inputs=[b"".join(member.input(member.sent) for member in members)],
    )


def _merged(sound: pb.FleetSteps, **fields: bytes) -> pb.FleetSteps:
    made = pb.FleetSteps()
    made.CopyFrom(sound)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def _packed(numbers: Sequence[int], dtype: str) -> bytes:
    return np.array(numbers, dtype).tobytes()
