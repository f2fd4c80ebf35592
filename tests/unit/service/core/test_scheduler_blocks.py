"""Blocks in the scheduler; a fleet's answers are in tests/unit/service/api/native/test_fleet.py."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from service.core.batch import Fault
from service.core.blocks import Block, BlockOutputs
from service.core.errors import StepFault
from service.core.model import Array
from service.core.slots import as_index, as_numbers
from service.core.streams import Stream
from tests.fakes import Connection
from tests.scheduling import Bench, step


class Fleet:
    """A block owner whose handles are the rows of its streams."""

    def __init__(self, bench: Bench, size: int) -> None:
        self.streams = [bench.stream()[0] for _ in range(size)]
        self.handles = [stream.slot.row for stream in self.streams if stream.slot]
        self.tenancies = np.zeros(100, np.int64)
        self.changes = 0
        self.answers: list[BlockOutputs] = []

    def stream(self, handle: int) -> Stream:
        return self.streams[self.handles.index(handle)]

    def answer(self, answer: BlockOutputs) -> None:
        self.answers.append(answer)

    def block(self, step: int, handles: Sequence[int] | None = None) -> Block:
        rows: Array = np.array(self.handles if handles is None else handles, np.int64)
        inputs = np.ones(len(rows), np.float32).data.cast("B")
        steps = np.full(len(rows), step, np.int64)
        return Block(
            self,
            rows.astype(np.uint32),
            self.tenancies[rows],
            as_index(rows),
            self.changes,
            steps,
            (inputs,),
            0.0,
        )

    def lose(self, handle: int) -> None:
        self.tenancies[handle] += 1
        self.changes += 1


def next_steps(bench: Bench, fleet: Fleet) -> list[int]:
    return [bench.sessions.next_step(handle) for handle in fleet.handles]


def test_a_batch_has_one_block_of_a_fleet_and_those_behind_it_come_in_order() -> None:
    bench = Bench(max_batch=3)
    fleet, (stream, _) = Fleet(bench, 2), bench.stream()
    for number in range(2):
        bench.scheduler.submit_block(fleet.block(number))
    bench.scheduler.submit(stream, step(0))
    for number in range(2, 4):
        bench.scheduler.submit_block(fleet.block(number))
    assert [len(bench.turn()) for _ in range(4)] == [3, 2, 2, 2]
    assert next_steps(bench, fleet) == [4, 4]
    assert not bench.scheduler.waiting


def test_blocks_of_several_fleets_and_single_steps_share_a_batch() -> None:
    bench = Bench(max_batch=8)
    fleets, (stream, _) = [Fleet(bench, 2), Fleet(bench, 3)], bench.stream()
    for fleet in fleets:
        bench.scheduler.submit_block(fleet.block(0))
    bench.scheduler.submit(stream, step(0))
    batch = bench.turn()
    assert as_numbers(batch.slots).tolist() == [5, 0, 1, 2, 3, 4]
    assert [len(data) for data in batch.inputs] == [6 * 4]
    assert [fleet.answers[0].batch_size for fleet in fleets] == [6, 6]


def test_of_a_stream_lost_before_the_batch_nothing_runs() -> None:
    bench = Bench(max_batch=8)
    fleet = Fleet(bench, 2)
    bench.scheduler.submit_block(fleet.block(0))
    fleet.lose(fleet.handles[0])
    assert len(bench.turn()) == 1
    assert next_steps(bench, fleet) == [0, 1]
    assert fleet.answers[0].handles.tolist() == fleet.handles[1:]


def test_of_a_stream_lost_during_the_run_nothing_is_kept() -> None:
    bench = Bench(max_batch=8)
    fleet = Fleet(bench, 2)
    bench.scheduler.submit_block(fleet.block(0))
    batch = bench.scheduler.next_batch(0.0)
    fleet.lose(fleet.handles[0])
    bench.run(batch)
    assert next_steps(bench, fleet) == [0, 1]
    assert fleet.answers[0].handles.tolist() == fleet.handles[1:]


def test_a_block_larger_than_a_batch_runs_before_what_came_after_it() -> None:
    bench = Bench(max_batch=4)
    fleet, (stream, _) = Fleet(bench, 6), bench.stream()
    bench.scheduler.submit_block(fleet.block(0))
    bench.scheduler.submit_block(fleet.block(1))
    bench.scheduler.submit(stream, step(0))
    bench.turn()
    assert next_steps(bench, fleet) == [1, 1, 1, 1, 0, 0]
    bench.turn()
    assert next_steps(bench, fleet) == [1] * 6
    assert bench.sessions.next_step(6) == 1
    bench.turn()
    bench.turn()
    assert next_steps(bench, fleet) == [2] * 6


def test_of_a_fleet_beside_a_stream_each_entry_has_its_own_fate() -> None:
    bench = Bench(max_batch=8)
    fleet, (stream, _) = Fleet(bench, 4), bench.stream()
    bench.scheduler.submit(stream, step(0))
    bench.scheduler.submit_block(fleet.block(0))
    batch = bench.scheduler.next_batch(0.0)
    fleet.lose(fleet.handles[0])
    fault = Fault(StepFault.RESULT_NOT_FINITE, "too much")
    bench.run(batch, faults={1: fault, 3: fault})
    assert next_steps(bench, fleet) == [0, 1, 0, 1]
    assert bench.sessions.next_step(4) == 1
    (answer,) = fleet.answers
    assert answer.handles.tolist() == [fleet.handles[1], fleet.handles[3]]
    told = [each.owner.errors for each in fleet.streams if isinstance(each.owner, Connection)]
    assert [[error.fault for error in errors] for errors in told] == [[], [], [fault.fault], []]
