"""Versions come into service and leave it; streams go on meanwhile."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import weakref
from pathlib import Path

import pytest

from service.core.errors import ModelNotFound
from service.operations.orders import Outcome, Standing
from tests.deployments import (
    FIRST,
    NAME,
    PACKAGE,
    SECOND,
    THIRD,
    Service,
    Slow,
    other,
    renamed,
    wrong,
)
from tests.replicas import Line, Shared, until


@pytest.fixture
async def service(tmp_path: Path) -> Service:
    return Service(tmp_path)


async def test_versions_that_take_new_streams_are_told_oldest_first(service: Service) -> None:
    for version in (10, 2):
        service.put(PACKAGE, version)
        await service.load(version)
    stays = await service.open(version=1)
    assert service.deployment.versions(NAME) == [1, 2, 10]
    await service.unload(1)
    assert service.deployment.versions(NAME) == [2, 10]
    assert service.deployment.versions("nothing") == []
    service.close(stays)


async def test_a_version_that_was_not_there_at_the_start_takes_new_streams(
    service: Service,
) -> None:
    service.put(PACKAGE, 2)
    assert (await service.listed())[2].standing is Standing.NOT_LOADED
    outcome = await service.load()
    assert outcome.models[0].key == SECOND and not outcome.error
    assert (await service.open()).stream.model == SECOND


async def test_a_version_whose_golden_run_is_off_never_replaces_one_that_works(
    service: Service,
) -> None:
    stream = await service.open()
    assert await service.add(stream, 5.0) == 5.0
    service.put(wrong(), 2)
    outcome = await service.load()
    assert outcome.error == "MODEL_REFUSED"
    assert "accumulator/2 must not serve: " in outcome.message and "0.1" in outcome.message
    assert await service.add(stream, 1.0) == 6.0
    assert (await service.open("another")).stream.model == FIRST
    listed = await service.listed()
    assert (listed[1].standing, listed[1].streams) == (Standing.SERVING, 2)
    assert listed[2].standing is Standing.REFUSED and "0.1" in listed[2].reason


@pytest.mark.parametrize("content", [wrong(), b"junk", b""])
async def test_a_bad_file_of_a_version_in_service_never_replaces_it(
    service: Service, content: bytes
) -> None:
    service.put(content, 1)
    assert (await service.load(1)).error == "MODEL_REFUSED"
    assert await service.add(await service.open(), 5.0) == 5.0
    (state,) = (await service.listed()).values()
    assert state.standing is Standing.SERVING and state.reason
    service.put(PACKAGE, 1)
    assert (await service.load(1)).models[0].reason == ""


async def test_a_version_that_serves_stays_as_it_is(service: Service) -> None:
    lane = service.lanes[FIRST]
    assert not (await service.load()).error
    assert service.lanes[FIRST] is lane


async def test_another_file_of_the_same_number_waits_until_no_stream_runs_on_it(
    service: Service,
) -> None:
    stream = await service.open()
    before = (await service.listed())[1].digest
    service.put(other(), 1)
    outcome = await service.load(1)
    assert outcome.error == "MODEL_IN_USE"
    assert "streams run on accumulator/1 (1), whose file on disk is another" in outcome.message
    assert (await service.listed())[1].digest == before
    service.close(stream)
    assert not (await service.load(1)).error
    assert (await service.listed())[1].digest != before


async def test_a_file_is_not_replaced_under_a_stream_that_was_opened_meanwhile(
    tmp_path: Path,
) -> None:
    service = Service(tmp_path, slow=True)
    service.put(other(), 1)
    loading = asyncio.create_task(service.load(1))
    await until(Slow.began.is_set)
    stream = await service.open()
    Slow.go_on.set()
    assert (await loading).error == "MODEL_IN_USE"
    assert await service.add(stream, 5.0) == 5.0


async def test_steps_run_while_a_version_is_proven(tmp_path: Path) -> None:
    service = Service(tmp_path, slow=True)
    stream = await service.open()
    service.put(PACKAGE, 2)
    loading = asyncio.create_task(service.load(2))
    await until(Slow.began.is_set)
    totals = [await service.add(stream, 1.0) for _ in range(20)]
    assert not loading.done()
    Slow.go_on.set()
    assert not (await loading).error
    assert totals == [float(count) for count in range(1, 21)]


async def test_an_unloaded_version_drains_and_then_its_memory_is_freed(service: Service) -> None:
    service.put(PACKAGE, 2)
    stream = await service.open()
    await service.load()
    gone = weakref.ref(service.lanes[FIRST])
    (state,) = (await service.unload(1)).models
    assert (state.standing, state.streams) == (Standing.DRAINING, 1)
    with pytest.raises(ModelNotFound, match="was unloaded"):
        await service.open("another", version=1)
    service.engine.detach(stream.stream, stream.owner)
    again = await service.reconnect()
    assert again.stream.model == FIRST
    assert await service.add(again, 5.0) == 5.0
    service.close(again)
    del stream, again
    await asyncio.sleep(0)
    gc.collect()
    assert gone() is None
    assert (await service.listed())[1].standing is Standing.NOT_LOADED


async def test_a_version_that_drains_takes_new_streams_again_when_it_is_loaded(
    service: Service,
) -> None:
    stream = await service.open()
    await service.add(stream, 5.0)
    await service.unload()
    assert (await service.load(1)).models[0].standing is Standing.SERVING
    assert (await service.open("another")).stream.model == FIRST
    assert await service.add(stream, 1.0) == 6.0


async def test_without_a_version_every_one_is_unloaded(service: Service) -> None:
    service.put(PACKAGE, 2)
    await service.load()
    outcome = await service.unload()
    assert [state.standing for state in outcome.models] == [Standing.NOT_LOADED] * 2
    assert (await service.unload()).error == "MODEL_NOT_FOUND"


async def test_a_drain_leaves_the_streams_where_they_are(service: Service) -> None:
    stream = await service.open()
    service.put(PACKAGE, 2)
    assert (await service.load()).moved == 0
    assert await service.add(stream, 5.0) == 5.0
    assert stream.stream.model == FIRST


async def test_a_handover_moves_every_stream_of_every_older_version(service: Service) -> None:
    streams = [await service.open(f"s{index}") for index in range(3)]
    service.put(PACKAGE, 2)
    await service.load()
    streams += [await service.open(f"s{index}") for index in range(3, 5)]
    for stream in streams:
        await service.add(stream, 5.0)
    await service.unload(1)
    service.put(other(), 3)
    outcome = await service.load(hand_over=True)
    assert (outcome.moved, outcome.notes) == (5, ())
    listed = await service.listed()
    assert {number: state.streams for number, state in listed.items()} == {1: 0, 2: 0, 3: 5}
    assert listed[1].standing is Standing.NOT_LOADED
    for index in range(5):
        again = await service.reconnect(f"s{index}")
        assert (again.stream.model, again.stream.exact) == (THIRD, False)
        assert await service.add(again, 1.0) == 6.0


async def test_where_the_declarations_differ_the_streams_drain_and_the_answer_says_so(
    service: Service,
) -> None:
    stream = await service.open()
    service.put(renamed(), 2)
    outcome = await service.load(hand_over=True)
    assert not outcome.error and outcome.moved == 0
    assert outcome.notes == (
        "accumulator/1 keeps its streams (1): its state sum: float32[1] is "
        "total_so_far: float32[1] in the newer version",
    )
    assert await service.add(stream, 5.0) == 5.0
    assert (await service.open("another")).stream.model == SECOND


async def test_no_stream_moves_to_a_version_that_is_not_the_newest(service: Service) -> None:
    service.put(PACKAGE, 2)
    await service.load(2)
    stream = await service.open(version=1)
    outcome = await service.load(1, hand_over=True)
    assert outcome.notes == (
        "accumulator/1 is not the newest version in service: no stream moves to it",
    )
    assert stream.stream.model == FIRST


async def test_streams_go_back_to_an_older_version_once_the_newer_one_is_unloaded(
    service: Service,
) -> None:
    service.put(PACKAGE, 2)
    await service.load()
    await service.add(await service.open(), 5.0)
    await service.unload(2)
    assert (await service.load(1, hand_over=True)).moved == 1
    again = await service.reconnect()
    assert again.stream.model == FIRST and await service.add(again, 1.0) == 6.0


async def test_a_handover_waits_for_the_store(tmp_path: Path) -> None:
    line = Line(Shared())
    service = Service(tmp_path, store=line)
    stream = await service.open()
    service.put(PACKAGE, 2)
    line.cut = True
    outcome = await service.load(hand_over=True)
    assert outcome.moved == 0
    assert "accumulator/1 keeps its streams (1): " in outcome.notes[0]
    assert "load accumulator/2 again to hand them over" in outcome.notes[0]
    assert stream.stream.model == FIRST
    line.cut = False
    await until(lambda: not _degraded(service))
    assert (await service.load(2, hand_over=True)).moved == 1


def _degraded(service: Service) -> bool:
    store = service.engine.readings().store
    assert store
    return store.degraded_for is not None


async def test_one_order_at_a_time(tmp_path: Path) -> None:
    service = Service(tmp_path, slow=True)
    service.put(PACKAGE, 2)
    loading = asyncio.create_task(service.load(2))
    await until(Slow.began.is_set)
    unloading = asyncio.create_task(service.unload(2))
    listed = await service.listed()
    assert listed[2].standing is Standing.NOT_LOADED and not unloading.done()
    Slow.go_on.set()
    assert not (await loading).error and not (await unloading).error
    assert service.lanes.find(SECOND) is None


async def test_what_loading_spends_of_the_processor_is_no_message(service: Service) -> None:
    service.put(PACKAGE, 2)
    before = service.lanes.computed()
    await service.load()
    assert service.lanes.computed() > before


async def test_a_version_that_is_described_is_in_service(service: Service) -> None:
    service.put(PACKAGE, 2)
    assert service.deployment.lane(NAME, None).model == FIRST
    with pytest.raises(ModelNotFound, match="no version 2, only 1"):
        service.deployment.lane(NAME, 2)
    stream = await service.open()
    await service.unload(1)
    assert service.deployment.lane(NAME, 1) is service.lanes.of(stream.stream)


async def test_an_order_for_what_is_not_on_disk_is_refused(service: Service) -> None:
    outcome = await service.load(7)
    assert dataclasses.replace(outcome, message="") == Outcome(error="MODEL_NOT_FOUND")
    assert "there is no package accumulator/7" in outcome.message
