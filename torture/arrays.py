"""Fleets of the client library, stepped by arrays."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence

import numpy as np

import stepwire
from torture.diary import Diary
from torture.fleet import PATIENCE
from torture.witness import Observation, Witness


async def step_some(
    fleet: stepwire.Fleet,
    witness: Witness,
    diaries: Sequence[Diary],
    places: Sequence[int],
) -> None:
    """One step of each stream at those places; writes down the answers."""
    chosen = [diaries[place] for place in places]
    inputs = np.stack([witness.input(each.number, len(each.seen)) for each in chosen])
    async with asyncio.timeout(PATIENCE):
        outputs = await fleet.step(inputs, which=places)
    now = time.monotonic()
    for diary, y, taken in zip(chosen, outputs["y"], outputs["taken"], strict=True):
        diary.note(Observation(y.tobytes(), int(taken[0])), now)


async def keep_stepping_together(
    fleet: stepwire.Fleet,
    witness: Witness,
    diaries: Sequence[Diary],
    *,
    until: asyncio.Event,
    source: random.Random,
) -> None:
    """Steps of all streams, or as often as not of some in any order."""
    places = range(len(diaries))
    while not until.is_set():
        some = source.sample(places, source.randint(1, len(places)))
        await step_some(fleet, witness, diaries, source.choice((places, some)))
