"""Turns: when the steps that wait at a lane run.

No timer forms a batch: the steps that arrive in one turn of the event loop run together. A long
run leaves the loop, and what arrives meanwhile is the next batch.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial

from service.core.batch import Delivery
from service.lanes.aside import Aside
from service.lanes.lane import Lane
from service.lanes.run import Run

log = logging.getLogger(__name__)


class Turns:
    """Of all lanes of a process; every method is called on its event loop."""

    def __init__(self, aside: Aside, clock: Callable[[], float]) -> None:
        """`aside`: where long runs go."""
        self._aside = aside
        self._clock = clock
        self._scheduled: set[Lane] = set()
        """Lanes whose turn comes, or lasts."""
        self._held_up: deque[Lane] = deque()
        """Lanes whose turn waits for a thread."""

    async def measure(self) -> None:
        """Finds out from how long on a run is long here; until then none is."""
        await self._aside.measure()

    async def close(self) -> None:
        """Waits for the runs that have left the loop."""
        await self._aside.close()

    def due(self, lane: Lane) -> None:
        """Steps wait at the lane: they run in its next turn."""
        if lane not in self._scheduled:
            self._scheduled.add(lane)
            asyncio.get_running_loop().call_soon(self._turn, lane)

    def _turn(self, lane: Lane) -> None:
        if self._aside.is_full and self._aside.takes(lane.seconds(lane.due)):
            self._held_up.append(lane)
            return
        run = lane.begin(self._clock())
        _deliver(run.batch.settled)
        if not (self._aside.takes(lane.seconds(len(run.batch))) and self._go_aside(lane, run)):
            lane.compute(run)
            self._end(lane, run)

    def _go_aside(self, lane: Lane, run: Run) -> bool:
        try:
            self._aside.run(partial(lane.compute, run), partial(self._end_aside, lane, run))
        except RuntimeError as error:
            log.warning("a long run stays on the event loop: %s", error)
            return False
        return True

    def _end_aside(self, lane: Lane, run: Run) -> None:
        if self._held_up:
            asyncio.get_running_loop().call_soon(self._turn, self._held_up.popleft())
        self._end(lane, run)

    def _end(self, lane: Lane, run: Run) -> None:
        self._scheduled.discard(lane)
        try:
            _deliver(lane.finish(run, self._clock()))
        finally:
            if lane.waiting:
                self.due(lane)


def _deliver(answers: Iterable[Delivery]) -> None:
    for owner, answer in answers:
        try:
            owner.answer(answer)
        except Exception:  # whatever it is, the other streams of the batch are answered
            log.exception("an answer was not delivered")
