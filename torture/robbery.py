"""A fleet of the client library, one stream of which is taken from it in the midst of its steps."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence

import numpy as np

import stepwire
from stepwire.v1 import stream_pb2 as pb
from torture.arrays import step_some
from torture.diary import Diary
from torture.fleet import PATIENCE, RawFleet
from torture.member import Member
from torture.package import NAME
from torture.promises import promised
from torture.witness import Observation, Witness

_BEFORE, _AFTER = 3, 5
"""Steps of each stream before the robbery, and after it, whoever has it then."""


async def rob(
    address: str, witness: Witness, diaries: Sequence[Diary], source: random.Random
) -> None:
    """The fleet is told of the stream that was taken, and goes on with the others.

    Raises PromiseBroken.
    """
    places = range(len(diaries))
    taken = source.choice(places)
    async with (
        stepwire.connect(address) as client,
        client.fleet(NAME, len(diaries)) as fleet,
        RawFleet(address) as thief,
    ):
        for _ in range(_BEFORE):
            await step_some(fleet, witness, diaries, places)
        stream = fleet.streams[taken]
        robbed = Member(witness, diaries[taken], id=stream.id, token=stream.token, sent=_BEFORE)
        thief.take([robbed], pb.OPEN_MODE_RESUME, steps=_AFTER, leave=True)
        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
            tasks.create_task(thief.settle())
            while not await _is_told(fleet, witness, diaries, robbed):
                pass
        others = [place for place in places if place != taken]
        for _ in range(_AFTER):
            await step_some(fleet, witness, diaries, others)


async def _is_told(
    fleet: stepwire.Fleet, witness: Witness, diaries: Sequence[Diary], robbed: Member
) -> bool:
    """After one more step of each stream: whether it fails for the robbed one, and no other."""
    taken = diaries.index(robbed.diary)
    numbers = [len(diary.seen) for diary in diaries]
    # The thief makes steps of its own: the fleet goes on where it stands itself.
    numbers[taken] = fleet.streams[taken].next_step
    robbed.sent = max(robbed.sent, numbers[taken] + 1)
    inputs = [
        witness.input(diary.number, step) for diary, step in zip(diaries, numbers, strict=True)
    ]
    failed: dict[int, stepwire.StepwireError] = {}
    try:
        outputs = await fleet.step(np.stack(inputs))
    except stepwire.MembersFailed as error:
        outputs, failed = error.outputs, error.errors
        promised(
            list(failed) == [taken] and isinstance(failed[taken], stepwire.StreamTakenOver),
            f"of a fleet of which stream {taken} was taken some failed: {failed}",
        )
    now = time.monotonic()
    for place, diary in enumerate(diaries):
        seen = Observation(outputs["y"][place].tobytes(), int(outputs["taken"][place, 0]))
        if place != taken:
            diary.note(seen, now)
        elif not failed:
            robbed.note(numbers[place], seen, pb.VERDICT_ON_TIME)
    return bool(failed)
