"""The connection is cut at every point of a step; each step takes effect once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import stepwire
from torture.diary import Account, Diary, account, ask
from torture.package import NAME
from torture.processes import running
from torture.promises import promised
from torture.proxy import Proxy, Way, proxied
from torture.witness import Witness

_PATIENCE = 30.0
"""Seconds that a cut step may take to be answered."""


@dataclass(frozen=True, slots=True)
class Cuts:
    cuts: int
    account: Account
    answered_again: int
    """Cuts after which the newest step was answered from the kept outputs."""
    longest_pause: float
    """Seconds between two answers of a stream."""


async def cut_at_every_point(ground: Path, *, in_flight: tuple[int, ...], stride: int) -> Cuts:
    """Cuts after 0, `stride`, 2 × `stride`... bytes of requests, and of answers, of a step.

    So a cut comes before the step is sent, between any two bytes of it, after it is sent, and
    before, within and after its answer. `in_flight`: how many steps are under way each time.
    The opening of the stream is cut in the same way. Raises PromiseBroken.
    """
    witness = Witness(ground / "repository")
    with running(witness.repository, log=ground / "server.log") as server:
        async with proxied(server) as proxy, stepwire.connect(proxy.address) as client:
            surgeon = _Surgeon(proxy, client, witness)
            for way in Way:
                await surgeon.cut_openings(way, stride)
                for steps in in_flight:
                    await surgeon.cut_steps(way, steps, stride)
    done = account(witness, surgeon.diaries)
    done.hold()
    promised(surgeon.answered_again > 0, f"none of {surgeon.cuts} cuts lost an answer")
    pause = max(diary.longest_pause for diary in surgeon.diaries)
    return Cuts(surgeon.cuts, done, surgeon.answered_again, pause)


class _Surgeon:
    def __init__(self, proxy: Proxy, client: stepwire.Client, witness: Witness) -> None:
        self._proxy = proxy
        self._client = client
        self._witness = witness
        self.diaries: list[Diary] = []
        self.cuts = 0
        self.answered_again = 0

    async def cut_openings(self, way: Way, stride: int) -> None:
        for passed in count(0, stride):
            diary = self._new_diary()
            self._proxy.cut_within(way, passed)
            async with asyncio.timeout(_PATIENCE), self._client.stream(NAME) as stream:
                was_cut = self._count_cut()
                await ask(stream, self._witness, diary, 0)
            if not was_cut:
                return

    async def cut_steps(self, way: Way, in_flight: int, stride: int) -> None:
        diary = self._new_diary()
        async with self._client.stream(NAME) as stream:
            for turn in count():
                self._proxy.cut_within(way, turn * stride)
                await self._step(stream, diary, in_flight)
                if not self._count_cut():
                    return
                info = stream.info
                self.answered_again += info is not None and info.batch_size == 0

    async def _step(self, stream: stepwire.Stream, diary: Diary, in_flight: int) -> None:
        first = len(diary.seen)
        async with asyncio.timeout(_PATIENCE), asyncio.TaskGroup() as steps:
            for step in range(first, first + in_flight):
                steps.create_task(ask(stream, self._witness, diary, step))

    def _new_diary(self) -> Diary:
        diary = Diary(number=len(self.diaries))
        self.diaries.append(diary)
        return diary

    def _count_cut(self) -> bool:
        """Whether the cut that was asked for has come; takes it back if not."""
        self._proxy.spare()
        self.cuts += self._proxy.has_cut.is_set()
        return self._proxy.has_cut.is_set()
