"""A process without its transport whose model versions come and go."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np

from service.core.directory import Directory
from service.core.model import GoldenRun
from service.core.steps import Step
from service.core.streams import Mode, ModelKey
from service.engine import Engine
from service.lanes.lane import Lane
from service.lanes.loading import Loader
from service.operations.deployment import Deployment
from service.operations.orders import Action, ModelState, Order, Outcome
from service.repository.packages import Package
from service.streams.opening import Opened
from tests import graphs
from tests.fakes import Connection, number, request, value
from tests.replicas import Line, until

NAME = "accumulator"
FIRST, SECOND, THIRD = (ModelKey(NAME, version) for version in (1, 2, 3))
PACKAGE = graphs.accumulator_package()
GOLDEN = graphs.golden_run(graphs.accumulator(), graphs.ACCUMULATOR)


def wrong() -> bytes:
    """Its golden run expects something else than it computes."""
    outputs = (GOLDEN.outputs[0] + np.float32(0.1),)
    golden = GoldenRun(GOLDEN.inputs, outputs, GOLDEN.atol)
    return graphs.package(graphs.accumulator(), graphs.ACCUMULATOR, golden)


def other() -> bytes:
    """Computes the same, and is another file."""
    manifest = graphs.ACCUMULATOR.model_copy(update={"training": {"score": 1}})
    return graphs.package(graphs.accumulator(), manifest, GOLDEN)


def renamed() -> bytes:
    """An accumulator whose state has another name."""
    (state,) = graphs.ACCUMULATOR.states
    tensor = state.input.model_copy(update={"name": "total_so_far"})
    manifest = graphs.ACCUMULATOR.model_copy(
        update={"states": (state.model_copy(update={"input": tensor}),)}
    )
    model = graphs.accumulator()
    model.graph.node[0].input[0] = "total_so_far"
    return graphs.package(graphs.graph(list(model.graph.node), manifest), manifest, GOLDEN)


class Slow(Loader):
    """Loads once it is let."""

    began, go_on = threading.Event(), threading.Event()

    def load(self, package: Package) -> Lane:
        self.began.set()
        assert self.go_on.wait(60)
        return super().load(package)


class Service:
    """Over a repository of its own."""

    def __init__(self, root: Path, *, store: Line | None = None, slow: bool = False) -> None:
        self.root = root
        graphs.put(root, NAME, PACKAGE)
        loader = Loader(root, window=4, max_batch=8, threads=1)
        self.lanes = loader.load_all()
        self.engine = Engine(
            self.lanes,
            Directory(limit=64, idle_limit=600.0),
            store=store,
            checkpoint_interval=0.005,
        )
        self.engine.start()
        if slow:
            Slow.began.clear()
            Slow.go_on.clear()
            loader = Slow(root, window=4, max_batch=8, threads=1)
        self.deployment = Deployment(self.lanes, self.engine.handover, loader)

    def put(self, content: bytes, version: int) -> None:
        path = self.root / NAME / str(version) / "model.onnx"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)

    async def order(self, action: Action, version: int | None = None, **more: bool) -> Outcome:
        return await self.deployment.carry_out(Order(action, NAME, version, **more))

    async def load(self, version: int | None = None, *, hand_over: bool = False) -> Outcome:
        return await self.order(Action.LOAD, version, hand_over=hand_over)

    async def unload(self, version: int | None = None) -> Outcome:
        return await self.order(Action.UNLOAD, version)

    async def listed(self) -> dict[int, ModelState]:
        return {state.version: state for state in (await self.order(Action.LIST)).models}

    async def open(self, stream_id: str = "robot", version: int | None = None) -> Opened:
        return await self.engine.open(request(stream_id, version=version), Connection())

    async def add(self, opened: Opened, x: float) -> float:
        connection = opened.owner
        assert isinstance(connection, Connection)
        before = len(connection.outputs)
        lane = self.lanes.of(opened.stream)
        self.engine.submit(opened.stream, Step(lane.next_step(opened.stream), (number(x),), 0.0))
        await until(lambda: len(connection.outputs) > before)
        return value(connection.outputs[-1].outputs[0])

    async def reconnect(self, stream_id: str = "robot") -> Opened:
        return await self.engine.open(request(stream_id, Mode.RECONNECT), Connection())

    def close(self, opened: Opened) -> None:
        self.engine.close(opened.stream, opened.owner)
