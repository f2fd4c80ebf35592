from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from service.core.errors import ServerDraining, TooManyStreams
from service.core.model import Array
from service.lanes.lane import Lane
from service.lanes.place import Place
from service.operations.process import Process
from service.operations.readiness import Phase
from service.runtime.accumulator import accumulate, accumulator_signature
from service.runtime.batching import Batching
from service.runtime.loss import GOES_ON, Loss
from service.runtime.stepper import Stepper
from tests.deployments import Service
from tests.fakes import MODEL
from tests.lossy import ILLEGAL
from tests.replicas import Replica, Shared, until


class Device:
    """Computes until it is lost."""

    def __init__(self) -> None:
        self.is_lost = False
        self.loss = Loss()
        self.lane = Lane(
            MODEL,
            "digest",
            Stepper(self._run, accumulator_signature()),
            window=4,
            max_batch=8,
            loss=self.loss,
        )

    def _run(self, feeds: Mapping[str, Array]) -> Sequence[Array]:
        if self.is_lost:
            raise RuntimeError(ILLEGAL)
        return accumulate(feeds)


@pytest.fixture
def device() -> Device:
    return Device()


async def test_steps_that_find_the_device_lost_are_not_answered(device: Device) -> None:
    replica = Replica(Shared(), lane=device.lane)
    sessions = [await replica.create(name) for name in ("a", "b")]
    assert [await session.add(1.0) for session in sessions] == [1.0, 1.0]
    device.is_lost = True
    for session in sessions:
        session.send(1.0)
    await until(lambda: device.loss.reason)
    assert device.loss.reason == ILLEGAL
    assert [len(session.connection.answers) for session in sessions] == [1, 1]


async def test_the_next_replica_goes_on_from_what_was_saved(device: Device) -> None:
    store = Shared()
    first, second = Replica(store, lane=device.lane), Replica(store)
    session = await first.create()
    await session.add(1.0)
    await session.saved()
    device.is_lost = True
    session.send(1.0)
    await until(lambda: device.loss.reason)
    first.engine.abandon(ServerDraining(GOES_ON))
    assert isinstance(session.connection.ended, ServerDraining)
    with pytest.raises(ServerDraining):
        await first.create("another")
    await first.engine.drained()
    await first.engine.close_down(1.0)
    again = await second.resume()
    assert again.opened.next_step == 1
    assert await again.add(1.0) == 2.0


async def test_a_loss_that_a_checkpoint_finds_is_noticed_too(device: Device) -> None:
    class Unreadable(Stepper):
        def save(self, slots: Array) -> list[tuple[bytes, ...]]:
            raise RuntimeError(ILLEGAL)

    stepper = Unreadable(accumulate, accumulator_signature())
    lane = Lane(MODEL, "", stepper, window=4, max_batch=8, loss=device.loss)
    session = await Replica(Shared(), lane=lane).create()
    assert await session.add(1.0) == 1.0
    await until(lambda: device.loss.reason)


async def test_a_device_that_is_lost_at_the_very_end_leaves_what_was_saved(device: Device) -> None:
    class Unreadable(Stepper):
        def save(self, slots: Array) -> list[tuple[bytes, ...]]:
            if device.is_lost:
                raise RuntimeError(ILLEGAL)
            return super().save(slots)

    store, stepper = Shared(), Unreadable(accumulate, accumulator_signature())
    lane = Lane(MODEL, "digest", stepper, window=4, max_batch=8, loss=device.loss)
    replica = Replica(store, lane=lane)
    session = await replica.create()
    await session.add(1.0)
    await session.saved()
    device.is_lost = True
    await replica.engine.close_down(1.0)
    assert device.loss.reason
    assert await (await Replica(store).resume()).add(1.0) == 2.0


async def test_a_stream_that_finds_no_memory_is_not_there(device: Device) -> None:
    class Full(Stepper):
        def reserve(self, capacity: int) -> None:
            raise MemoryError("16 rows")

    store = Shared()
    full = Full(accumulate, accumulator_signature())
    replica = Replica(store, lane=Lane(MODEL, "", full, window=4, max_batch=8))
    with pytest.raises(TooManyStreams, match="no memory for the states of more streams"):
        await replica.create()
    assert not replica.engine.readings().attached
    await replica.engine.settled()
    assert (await (await Replica(store).create()).add(1.0)) == 1.0


async def test_the_process_says_why_it_is_not_ready(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    service, place = Service(tmp_path), Place()
    process = Process(service.engine, service.deployment, place)
    process.phase = Phase.SERVING
    assert (await process.readiness()).ready
    place.loss.notice(RuntimeError(ILLEGAL))
    process.abandon()
    found = await process.readiness()
    assert not found.ready
    assert (found.reason, found.device) == ("without its device", "cpu")
    assert f"cpu is lost: {ILLEGAL}" in caplog.text


async def test_bits_are_promised_by_nobody_whose_rows_round_by_the_size_of_a_batch(
    device: Device,
) -> None:
    store = Shared()
    stepper = Stepper(accumulate, accumulator_signature(), Batching.CLOSELY)
    closely = Lane(MODEL, "digest", stepper, window=4, max_batch=8)
    session = await Replica(store, lane=device.lane).create()
    await session.add(1.0)
    await session.saved()
    resumed = await Replica(store, lane=closely).resume()
    assert session.opened.stream.exact and not resumed.opened.stream.exact
