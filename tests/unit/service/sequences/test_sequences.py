"""Sequences over engines without a state store."""

from __future__ import annotations

import asyncio
import logging

import pytest

from service.core.errors import InvalidRequest, ServerDraining
from service.core.sequences import sequence_key
from service.core.steps import Output
from service.core.streams import ModelKey
from service.sequences.sequences import Sequences
from tests.fakes import MODEL, accumulator_lane, value
from tests.sequences import IDLE, Client, Service

NEWER = ModelKey(MODEL.name, 2)


async def test_a_sequence_advances_one_timestep_a_request() -> None:
    client = Client(Service().sequences)
    assert await client.add(7, 1.0, start=True) == 1.0
    assert await client.add(7, 2.0) == 3.0
    assert await client.add(7, 3.0) == 6.0


async def test_requests_that_come_together_run_in_order_and_each_is_answered() -> None:
    client = Client(Service().sequences)
    sent = [client.send(7, float(x), start=x == 0, end=x == 4) for x in range(5)]
    answers = [await client.told(request) for request in sent]
    assert [value(each.outputs[0]) for each in answers if isinstance(each, Output)] == [
        0, 1, 3, 6, 10,
    ]  # fmt: skip
    assert [request for request, _ in client.heard] == sent


async def test_a_number_and_a_text_are_two_sequences() -> None:
    client = Client(Service().sequences)
    await client.add(7, 1.0, start=True)
    await client.add("7", 10.0, start=True)
    assert (await client.add(7), await client.add("7")) == (2.0, 11.0)


async def test_sequences_share_runs() -> None:
    service = Service()
    client = Client(service.sequences)
    for id_ in range(1, 4):
        await client.add(id_, start=True)
    answers = [await client.told(each) for each in [client.send(id_) for id_ in range(1, 4)]]
    assert [each.batch_size for each in answers if isinstance(each, Output)] == [3, 3, 3]


async def test_a_start_restarts_a_living_sequence_behind_the_requests_before_it() -> None:
    service = Service()
    client = Client(service.sequences)
    await client.add(7, 5.0, start=True)
    before = client.send(7, 1.0)
    assert await client.add(7, 2.0, start=True) == 2.0
    last = await client.told(before)
    assert isinstance(last, Output) and value(last.outputs[0]) == 6.0
    assert service.streams == 1


async def test_a_restarted_sequence_counts_as_ended_and_as_taken_over_by_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    service = Service()
    client = Client(service.sequences)
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            await client.add(7, start=True)
    (lane,) = service.lanes
    assert (lane.stream_counts.opened, lane.stream_counts.closed, service.streams) == (3, 2, 1)
    assert not caplog.records


async def test_an_end_ends_the_sequence() -> None:
    service = Service()
    client = Client(service.sequences)
    await client.add(7, start=True)
    assert await client.add(7, end=True) == 2.0
    assert service.streams == len(service.sequences) == 0
    assert "sequence_start" in await client.refusal(7)


async def test_start_and_end_may_be_on_one_request() -> None:
    service = Service()
    assert await Client(service.sequences).add(7, 4.0, start=True, end=True) == 4.0
    assert service.streams == 0


async def test_a_request_of_a_sequence_that_nobody_started_is_refused() -> None:
    service = Service()
    client = Client(service.sequences)
    assert "there is no stream" in await client.refusal(7)
    assert len(service.sequences) == 0


async def test_a_numbered_timestep_that_comes_again_is_answered_again() -> None:
    client = Client(Service().sequences)
    await client.add(7, 1.0, start=True, step=0)
    assert await client.add(7, 2.0, step=1) == 3.0
    assert await client.add(7, 2.0, step=1) == 3.0
    assert await client.add(7, 3.0, step=2) == 6.0


async def test_a_number_that_does_not_fit_is_told() -> None:
    client = Client(Service().sequences)
    assert "starts with step 0" in await client.refusal(7, start=True, step=3)
    await client.add(7, 1.0, start=True, step=0)
    assert "send step 1" in await client.refusal(7, step=2)
    assert "with other inputs" in await client.refusal(7, 9.0, step=0)
    assert await client.add(7, 1.0, step=1) == 2.0


async def test_a_numbered_end_is_answered_again_and_nothing_runs_after_it() -> None:
    client = Client(Service().sequences)
    await client.add(7, 1.0, start=True, step=0)
    assert await client.add(7, 1.0, step=1, end=True) == 2.0
    assert await client.add(7, 1.0, step=1, end=True) == 2.0
    assert "has ended" in await client.refusal(7, step=2)
    assert "has ended" in await client.refusal(7)
    assert await client.add(7, 5.0, start=True, step=0) == 5.0
    assert await client.add(7, 5.0, step=1) == 10.0


async def test_of_numbered_sequences_that_have_ended_only_so_many_are_kept() -> None:
    service = Service()
    sequences = Sequences(service.engine, IDLE, max_streams=20)
    client = Client(sequences)
    for id_ in range(1, 6):
        await client.add(id_, start=True, step=0)
        await client.add(id_, step=1, end=True)
    assert len(sequences) == service.streams == 2
    assert await client.add(5, step=1, end=True) == 2.0
    assert "there is no stream" in await client.refusal(1, step=1, end=True)
    await client.add(4, start=True, step=0)
    for id_ in (6, 7):
        await client.add(id_, start=True, step=0, end=True)
    assert await client.add(4, step=1) == 2.0


async def test_a_timestep_whose_time_is_up_is_not_run() -> None:
    service = Service()
    client = Client(service.sequences)
    await client.add(7, 1.0, start=True)
    spent = {"received": service.now - 1.0, "timeout": 0.5}
    assert "late" in await client.refusal(7, **spent)
    assert await client.add(7, 1.0) == 2.0


async def test_a_sequence_keeps_its_version_until_it_is_started_again() -> None:
    service = Service()
    client = Client(service.sequences)
    await client.add(7, start=True)
    service.lanes.put(accumulator_lane(model=NEWER))
    assert await client.add(7) == 2.0
    assert "name no other version" in await client.refusal(7, version=2)
    assert await client.add(7, start=True) == 1.0
    assert await client.add(7, version=2) == 2.0


async def test_a_sequence_goes_on_at_the_version_it_is_handed_to() -> None:
    service = Service()
    client = Client(service.sequences)
    await client.add(7, 1.0, start=True)
    newer = accumulator_lane(model=NEWER)
    service.lanes.put(newer)
    (stream,) = service.lanes[MODEL].streams
    at_work = client.send(7, 2.0)
    assert await service.engine.handover.move(stream, newer)
    last = await client.told(at_work)
    assert isinstance(last, Output) and value(last.outputs[0]) == 3.0
    assert await client.add(7, 1.0) == 4.0
    assert service.sequences.lane(sequence_key("", MODEL.name, 7)) is newer


async def test_an_idle_sequence_expires_and_a_used_one_stays() -> None:
    service = Service()
    client = Client(service.sequences)
    await client.add(1, start=True, received=service.now)
    await client.add(2, start=True, received=service.now)
    await asyncio.sleep(IDLE / 2)
    await client.add(1, received=service.now)
    await asyncio.sleep(IDLE * 0.75)
    assert len(service.sequences) == service.streams == 1
    assert "idle" in await client.refusal(2)
    assert await client.add(1, received=service.now) == 3.0
    await asyncio.sleep(IDLE * 1.5)
    assert len(service.sequences) == service.streams == 0
    (lane,) = service.lanes
    assert (lane.stream_counts.expired, lane.stream_counts.closed) == (2, 0)


async def test_a_numbered_end_that_was_kept_counts_as_ended_by_its_client() -> None:
    service = Service()
    client = Client(service.sequences)
    await client.add(1, start=True, step=0, end=True, received=service.now)
    await client.add(2, start=True, step=0, received=service.now)
    await asyncio.sleep(IDLE * 1.5)
    assert len(service.sequences) == service.streams == 0
    (lane,) = service.lanes
    assert (lane.stream_counts.expired, lane.stream_counts.closed) == (1, 1)


async def test_a_drain_answers_what_was_accepted_and_refuses_the_rest() -> None:
    service = Service()
    client = Client(service.sequences)
    await client.add(1, start=True)
    await client.add(2, start=True)
    accepted = [client.send(1), client.send(1)]
    service.engine.drain()
    refused = await client.told(client.send(1))
    assert isinstance(refused, ServerDraining)
    assert isinstance(await client.told(client.send(3, start=True)), ServerDraining)
    for request in accepted:
        assert isinstance(await client.told(request), Output)
    await service.engine.drained()
    assert len(service.sequences) == 0


def test_ids_are_apart_whatever_they_say() -> None:
    keys = {sequence_key("", "m", id_) for id_ in (1, "1", "1/int/1", "%31", "ä", "a b")}
    assert len(keys) == 6
    with pytest.raises(InvalidRequest, match="at most 128"):
        sequence_key("", "m", "x" * 129)
