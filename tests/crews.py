"""A crew that only says what came of its runs."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from loadtest.conduct import Bench, Files
from loadtest.crew import Crew
from loadtest.live import Live
from loadtest.load import Load, Target
from loadtest.outcome import Outcome
from loadtest.running import Watch
from stepwire.channel import Security
from tests.loads import interval, outcome

TARGET = Target(address="localhost:50051", security=Security(), connections=1)
BEGAN = datetime(2025, 1, 1, tzinfo=UTC)
Serve = Callable[[Load], Outcome]


class Saying:
    """In the place of a crew."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self.asked: list[Load] = []

    def run(self, load: Load, watch: Watch) -> Outcome:
        self.asked.append(load)
        watch(0.0, {})
        return self._serve(load)


def bench(crew: Saying) -> Bench:
    return Bench(cast(Crew, crew), Live(io.StringIO()))


def files(report: Path | None = None, json_: Path | None = None) -> Files:
    return Files(TARGET, BEGAN, report, json_)


def holding(steps: float) -> Serve:
    """A server that holds so many steps a second."""

    def serve(of: Load) -> Outcome:
        latency = 0.001 if (of.asked or 0.0) <= steps else 0.1
        return outcome(interval([latency] * 100), streams=of.streams, rate=of.rate)

    return serve


def steady(of: Load) -> Outcome:
    return outcome(interval([0.001] * 100), rate=of.rate)
