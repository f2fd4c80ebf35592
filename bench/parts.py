"""Every part, in the order of the table."""

from __future__ import annotations

import asyncio

import uvloop

from bench.machine import Cores
from bench.part import Part, Progress, Results
from bench.process import pinned_to
from bench.rows import coalescing, fairness, fleets, idle, lone, messages, saving, triton
from bench.stand import stand

PARTS = (
    messages.PART,
    lone.PART,
    fleets.PART,
    coalescing.PART,
    idle.PART,
    fairness.PART,
    saving.PART,
    triton.PART,
)


def run(part: Part, cores: Cores, progress: Progress, *, quick: bool) -> Results:
    """With servers of its own, the client on its core. Raises LoadFailed and ServerFailed."""
    with (
        stand(cores) as servers,
        pinned_to(cores.client),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(part.measure(servers, part.quick if quick else part.full, progress))
