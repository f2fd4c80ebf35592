"""Requests of sequences that are not answered, and who stands behind them."""

from __future__ import annotations

import pytest

from service.core.errors import InvalidRequest, StreamNotFound
from service.core.steps import Output
from tests.fakes import MODEL, value
from tests.sequences import Client, Service


async def test_a_start_that_is_refused_ends_what_there_was() -> None:
    service = Service()
    client = Client(service.sequences)
    for refused in ({"version": 9}, {"refusal": InvalidRequest("no such input")}, {"step": 3}):
        await client.add(7, start=True)
        sent = [client.send(7, start=True, **refused), client.send(7)]
        assert not isinstance(await client.told(sent[0]), Output)
        assert "sequence_start" in str(await client.told(sent[1]))
        assert service.streams == 0


async def test_a_request_that_is_refused_is_told_in_its_turn() -> None:
    client = Client(Service().sequences)
    sent = [client.send(7, start=True), client.send(7, refusal=InvalidRequest("no such input"))]
    sent.append(client.send(7))
    assert isinstance(await client.told(sent[2]), Output)
    assert [request for request, _ in client.heard] == sent
    assert "no such input" in await client.refusal(
        8, start=True, refusal=InvalidRequest("no such input")
    )
    assert len(client.sequences) == 1


async def test_any_number_of_refused_requests_stand_in_a_line() -> None:
    service = Service()
    client = Client(service.sequences)
    client.send(7, start=True)
    sent = [client.send(7, refusal=InvalidRequest("no such input")) for _ in range(2_000)]
    last = client.send(7)
    assert isinstance(await client.told(last), Output)
    assert [request for request, _ in client.heard][1:-1] == sent


async def test_of_a_client_that_is_gone_nothing_runs_that_has_not_begun() -> None:
    service = Service()
    gone, client = Client(service.sequences), Client(service.sequences)
    await client.add(7, start=True)
    sent = [gone.send(7) for _ in range(3)]
    behind = client.send(7)
    gone.gone = True
    last = await client.told(behind)
    assert isinstance(last, Output) and value(last.outputs[0]) == 3.0
    assert [request for request, _ in gone.heard] == sent[:1]  # which was at work


async def test_a_start_whose_client_is_gone_ends_what_there_was() -> None:
    service = Service()
    gone, client = Client(service.sequences), Client(service.sequences)
    await client.add(7, start=True)
    at_work = client.send(7)
    gone.send(7, start=True)
    gone.gone = True
    behind = client.send(7)
    assert isinstance(await client.told(at_work), Output)
    assert "sequence_start" in str(await client.told(behind))
    assert service.streams == 0


async def test_an_answer_that_cannot_be_delivered_holds_nobody_up() -> None:
    service = Service()
    client = Client(service.sequences)
    await client.add(7, start=True)
    await client.add(8, start=True)

    class Broken(Client):
        def answered(self, *_: object) -> None:
            raise RuntimeError("out of order")

    Broken(service.sequences).send(7)
    assert await client.add(8) == 2.0
    assert await client.add(7) == 3.0


async def test_a_request_at_work_is_told_that_its_stream_was_lost() -> None:
    service = Service()
    client = Client(service.sequences)
    await client.add(7, start=True)
    sent = [client.send(7), client.send(7)]
    (stream,) = service.lanes[MODEL].streams
    service.engine._lose(stream, StreamNotFound("gone"))
    assert str(await client.told(sent[0])) == "gone"
    assert "sequence_start" in str(await client.told(sent[1]))


async def test_a_fault_of_the_server_is_told_and_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service = Service()
    client = Client(service.sequences)

    async def broken(*_: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr(service.engine, "open", broken)
    sent = [client.send(7, start=True), client.send(7)]
    for request in sent:
        assert "out of order" in str(await client.told(request))


async def test_a_full_server_says_so() -> None:
    client = Client(Service(limit=1).sequences)
    await client.add(1, start=True)
    assert "no room" in await client.refusal(2, start=True)


async def test_a_sequence_whose_first_timestep_fails_has_not_started() -> None:
    service = Service()
    client = Client(service.sequences)
    assert "NaN or Inf" in await client.refusal(7, float("inf"), start=True)
    assert service.streams == 0
    assert "sequence_start" in await client.refusal(7)


async def test_a_malformed_timestep_changes_nothing() -> None:
    client = Client(Service().sequences)
    await client.add(7, 1.0, start=True)
    assert "got 3 bytes" in await client.refusal(7, tag=b"abc")
    assert "NaN or Inf" in await client.refusal(7, float("nan"))
    assert await client.add(7, 1.0) == 2.0


async def test_requests_behind_one_that_fails_run_as_if_it_had_not_come() -> None:
    client = Client(Service().sequences)
    sent = [client.send(7, x, start=x == 1.0) for x in (1.0, float("nan"), 2.0)]
    last = await client.told(sent[2])
    assert isinstance(last, Output) and value(last.outputs[0]) == 3.0
