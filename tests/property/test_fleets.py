"""A fleet gives each of its streams what the stream would have been given by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from service.core.directory import Directory
from service.core.steps import Answer, Output, Step
from service.engine import Engine
from service.lanes.lanes import Lanes
from tests.fakes import MODEL, Connection, accumulator_lane, number, request, value
from tests.fleets import Talk

STREAMS = 4
IDS = tuple(f"s{index}" for index in range(STREAMS))
MAX_BATCH = 3


class Entry(NamedTuple):
    handle: int
    offset: int
    """Of the step's number, from the one that is due if all before it were good."""
    x: float


entries = st.builds(
    Entry,
    st.integers(0, STREAMS - 1),
    st.sampled_from([0] * 8 + [-1, -2, -6, 1]),
    st.sampled_from([1.0, 2.0, 3.0, float("nan")]),
)
messages = st.lists(entries, max_size=STREAMS, unique_by=lambda entry: entry.handle)


def engine() -> Engine:
    lane = accumulator_lane(max_batch=MAX_BATCH)
    return Engine(Lanes({MODEL: lane}, {}), Directory(limit=8, idle_limit=600.0))


def numbered(sent: Sequence[list[Entry]]) -> list[list[tuple[int, int, float]]]:
    due = [0] * STREAMS
    found = []
    for message in sent:
        rows = []
        for handle, offset, x in message:
            rows.append((handle, max(0, due[handle] + offset), x))
            due[handle] += offset == 0 and x == x
        found.append(rows)
    return found


def told(answer: Answer) -> tuple[object, ...]:
    if isinstance(answer, Output):
        return answer.number, value(answer.outputs[0])
    return answer.number, int(answer.fault), answer.next_step


def told_by_wire(talk: Talk, handle: int) -> list[tuple[object, ...]]:
    """In the order of the messages, of which none tells of a stream twice."""
    heard: list[tuple[object, ...]] = []
    for message in talk.heard:
        one = Talk.__new__(Talk)
        one.heard = [message]
        heard += one.outputs(handle)
        heard += [(each.step, each.code, each.next_step) for each in one.errors(handle)]
    return heard


async def by_fleet(
    sent: Sequence[list[tuple[int, int, float]]], direct: bool
) -> list[list[tuple[object, ...]]]:
    """`direct`: as `Talk` takes it."""
    talk = Talk(engine(), direct=direct)
    await talk.open(*IDS)
    for rows in sent:
        if rows:
            talk.step(*zip(*rows, strict=True))
        await talk.turns(8)
    talk.hang_up()
    await talk.task
    return [told_by_wire(talk, handle) for handle in range(STREAMS)]


async def by_themselves(
    sent: Sequence[list[tuple[int, int, float]]],
) -> list[list[tuple[object, ...]]]:
    made = engine()
    owners = [Connection() for _ in IDS]
    streams = [
        (await made.open(request(id_), owner)).stream
        for id_, owner in zip(IDS, owners, strict=True)
    ]
    for rows in sent:
        for handle, step, x in rows:
            made.submit(streams[handle], Step(step, (number(x),), made.now))
        for _ in range(8):
            await asyncio.sleep(0)
    return [list(map(told, owner.answers)) for owner in owners]


@settings(max_examples=150, deadline=None)
@given(st.lists(messages, max_size=12), st.booleans())
def test_a_stream_is_answered_in_a_fleet_as_by_itself(
    sent: list[list[Entry]], direct: bool
) -> None:
    rows = numbered(sent)
    assert asyncio.run(by_fleet(rows, direct)) == asyncio.run(by_themselves(rows))
