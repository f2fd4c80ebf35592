"""The parts of the measurement, one after another, for each model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop

from bench import package
from bench.cuda import isolation, saving, serving, steps
from bench.cuda.isolation import Differences
from bench.cuda.metered import Metered
from bench.cuda.modules import BareTorch, Torch
from bench.cuda.naive import Naive
from bench.cuda.ours import Ours, proven, unproven
from bench.cuda.rounds import Plan
from bench.cuda.saving import Saved
from bench.cuda.sides import Side
from bench.cuda.steps import Measured
from bench.machine import Cores
from bench.package import LARGE, SMALL, Network
from bench.process import pinned_to
from bench.ratios import Row
from bench.stand import stand
from service.runtime.device import Device
from service.runtime.stepper import Batching

NETWORKS = (SMALL, Network("gru-512", "GRU", features=16, hidden=512), LARGE)
FIXED = 256
"""Rows of runs of one size: the service's own `--max-batch`."""

Progress = Callable[[str], None]


@dataclass(slots=True)
class Findings:
    """What was measured, by part."""

    steps: list[Measured] = field(default_factory=list)
    batching: list[tuple[Network, Batching]] = field(default_factory=list)
    """How the service runs each model, by what it has seen itself."""
    isolation: list[Differences] = field(default_factory=list)
    fixed: list[Row] = field(default_factory=list)
    fixed_isolation: list[Differences] = field(default_factory=list)
    saving: list[Saved] = field(default_factory=list)
    service: list[Row] = field(default_factory=list)


def measure(
    found: Findings,
    networks: Sequence[Network],
    device: Device,
    plan: Plan,
    parts: Collection[str],
    progress: Progress,
) -> None:
    """Adds to what was found; parts that are done before one fails are there.

    Raises ModelRefused, and what the service's part raises: LoadFailed, ServerFailed.
    """
    for network in networks:
        with TemporaryDirectory(prefix="stepwire-bench-") as folder:
            subject = Subject(network, package.write(Path(folder), network), device)
            for part, measured in _OF_A_MODEL.items():
                if part in parts:
                    measured(found, subject, plan, progress)
    if "service" in parts:
        found.service = _service(networks[-1], device, plan, progress)


class Subject:
    """A model, proven on the device."""

    def __init__(self, network: Network, model: Path, device: Device) -> None:
        self.network, self.model = network, model
        self.device = Metered(device)
        self.stepper = proven(model, self.device)


def _steps(found: Findings, subject: Subject, plan: Plan, progress: Progress) -> None:
    network, model, device = subject.network, subject.model, subject.device
    sides: list[Side] = [
        Ours(subject.stepper, device),
        Torch(model, network, device.name),
        BareTorch(model, network, device.name),
        Naive(model, device),
    ]
    for rows in plan.sizes:
        progress(f"{network}, runs of {rows:,}")
        found.steps.append(steps.measure(network, sides, rows, plan))


def _isolation(found: Findings, subject: Subject, plan: Plan, progress: Progress) -> None:
    progress(f"{subject.network}, isolation")
    found.batching.append((subject.network, subject.stepper.batching))
    stepper = unproven(subject.model, subject.device)
    found.isolation += isolation.measure(stepper, subject.network, plan.sizes)


def _fixed(found: Findings, subject: Subject, plan: Plan, progress: Progress) -> None:
    device = Metered(subject.device, FIXED)
    stepper = unproven(subject.model, device)
    few = [rows for rows in plan.sizes if rows <= FIXED]
    progress(f"{subject.network}, isolation in runs of {FIXED}")
    found.fixed_isolation += isolation.measure(stepper, subject.network, few)
    fixed = Ours(stepper, device)
    fitting = Ours(unproven(subject.model, subject.device), subject.device)
    for rows in few:
        progress(f"{subject.network}, {rows:,} in runs of {FIXED}")
        found.fixed.append(steps.fixed(subject.network, fixed, fitting, rows, plan))


def _saving(found: Findings, subject: Subject, plan: Plan, progress: Progress) -> None:
    for streams in plan.sizes:
        progress(f"{subject.network}, saving {streams:,}")
        found.saving.append(saving.measure(subject.stepper, subject.network, streams, plan.rounds))


_OF_A_MODEL = {"steps": _steps, "isolation": _isolation, "fixed": _fixed, "saving": _saving}
PARTS = (*_OF_A_MODEL, "service")


def _service(network: Network, device: Device, plan: Plan, progress: Progress) -> list[Row]:
    with (
        stand(Cores.choose()) as where,
        pinned_to(where.cores.client),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(serving.measure(where, network, device.name, plan, progress))
