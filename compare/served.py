"""What a step costs: through a real service over loopback, and in the runtime by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

import numpy as np

import stepwire
from compare.results import Served
from demo.server import running
from service.core.model import Array, Signature
from service.repository.manifest import decode
from service.repository.packages import MODEL_FILE
from service.runtime.graph import Graph
from service.runtime.loading import proven_stepper
from service.runtime.stepper import Stepper
from stepwire.stream import Stream

WARM_UP = 100
TURNS = 20
"""The packages take turns, so that whatever else the machine does falls on all of them."""
STEPS = 50
"""Timesteps of each turn."""


def costs(repository: Path, names: Sequence[str], inputs: Array) -> Mapping[str, Served]:
    """Of version 1 of each package, stepped through `inputs` [T, F], over and over.

    Raises demo.server.ServiceFailed and stepwire.errors.StepwireError.
    """
    with running(repository) as address:
        round_trips = asyncio.run(_round_trips(address, names, inputs))
    steppers = {name: _stepper(repository / name / "1" / MODEL_FILE) for name in names}
    steps = _steps(steppers, inputs)
    return {
        name: Served(
            median(round_trips[name]), median(steps[name]), state_bytes(steppers[name].signature)
        )
        for name in names
    }


def state_bytes(signature: Signature) -> int:
    return sum(state.input.nbytes for state in signature.states)


async def _round_trips(address: str, names: Sequence[str], inputs: Array) -> dict[str, list[float]]:
    """Seconds of each step, one stream of each package, one step at a time."""
    seconds: dict[str, list[float]] = {name: [] for name in names}
    async with stepwire.connect(address) as client:
        streams = {name: client.stream(name) for name in names}
        for stream in streams.values():
            await stream.open()
            await _timed(stream, inputs, WARM_UP)
        for _ in range(TURNS):
            for name, stream in streams.items():
                seconds[name] += await _timed(stream, inputs, STEPS)
        for stream in streams.values():
            await stream.close()
    return seconds


async def _timed(stream: Stream, inputs: Array, steps: int) -> list[float]:
    seconds = []
    for step in range(steps):
        x = inputs[step % len(inputs)]
        started = time.perf_counter()
        await stream.step(x)
        seconds.append(time.perf_counter() - started)
    return seconds


def _stepper(path: Path) -> Stepper:
    """As the service loads it, with room for one stream."""
    graph = Graph(path)
    manifest, golden = decode(graph.metadata)
    stepper = proven_stepper(graph, manifest.signature(), golden)
    stepper.reserve(1)
    stepper.start(0)
    return stepper


def _steps(steppers: Mapping[str, Stepper], inputs: Array) -> dict[str, list[float]]:
    """Seconds of each step in this process, one stream of each package."""
    seconds: dict[str, list[float]] = {name: [] for name in steppers}
    messages = [x.tobytes() for x in inputs]
    slot = np.zeros(1, np.int64)
    for stepper in steppers.values():
        _stepped(stepper, slot, messages, WARM_UP)
    for _ in range(TURNS):
        for name, stepper in steppers.items():
            seconds[name] += _stepped(stepper, slot, messages, STEPS)
    return seconds


def _stepped(stepper: Stepper, slot: Array, messages: Sequence[bytes], steps: int) -> list[float]:
    seconds = []
    for step in range(steps):
        message = [messages[step % len(messages)]]
        started = time.perf_counter()
        stepper.step(slot, message)
        seconds.append(time.perf_counter() - started)
    return seconds
