"""What is seen and changed from outside, in memory and in a store."""

from __future__ import annotations

import dataclasses

import pytest

from service.core.errors import (
    InvalidRequest,
    NotAllowed,
    ServerDraining,
    StepFault,
    StreamChanged,
    StreamExists,
    StreamNotFound,
    StreamTakenOver,
    TooManyStreams,
)
from service.core.steps import Step
from service.core.streams import Mode
from service.streams.outside import Named
from service.streams.states import States
from tests.fakes import MODEL, TOKEN, number, request
from tests.outside import CHANGES, IDLE, OTHER, Alone, Use, named, total, total_of
from tests.replicas import Replica, until

USES = {**CHANGES, "get": lambda states, which: states.get(which)}

changed_by = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
used_by = pytest.mark.parametrize("use", USES.values(), ids=USES)


async def test_a_stream_is_seen_as_it_is_while_it_goes_on(replica: Replica, states: States) -> None:
    session = await replica.create()
    await session.add(5.0)
    seen = await states.get(named())
    assert (seen.model, seen.digest, seen.next_step) == (MODEL, "digest", 1)
    ((spec, _),) = seen.states
    assert (spec.name, spec.dtype.name, spec.shape) == ("sum", "float32", (1,))
    assert total_of(seen) == 5.0
    assert await session.add(2.0) == 7.0


async def test_a_put_is_what_the_stream_goes_on_from(replica: Replica, states: States) -> None:
    session = await replica.create()
    await session.add(5.0)
    assert await states.put(named(), total(100.0, 40)) == 40
    assert isinstance(session.connection.ended, StreamChanged)
    assert "'robot' was set from outside" in str(session.connection.ended)
    seen = await states.get(named())
    assert (total_of(seen), seen.next_step) == (100.0, 40)
    resumed = await replica.resume()
    assert resumed.opened.next_step == 40
    assert await resumed.add(1.0) == 101.0


async def test_a_put_keeps_the_step_and_drops_the_outputs(replica: Replica, states: States) -> None:
    session = await replica.create()
    for _ in range(3):
        await session.add(5.0)
    assert await states.put(named(), total(0.0)) == 3
    resumed = await replica.resume()
    stream = resumed.opened.stream
    replica.engine.submit(stream, Step(2, (number(5.0),), 0.0))
    await until(lambda: resumed.connection.errors)
    assert resumed.connection.errors[0].fault is StepFault.STEP_TOO_OLD


async def test_steps_that_are_not_answered_when_the_state_changes_never_are(
    replica: Replica, states: States
) -> None:
    session = await replica.create()
    for _ in range(4):
        session.send(1.0)
    await states.put(named(), total(100.0, 0))
    answered = len(session.connection.answers)
    resumed = await replica.resume()
    assert await resumed.add(1.0) == 101.0
    assert len(session.connection.answers) == answered < 4


async def test_a_reset_goes_back_to_the_start(replica: Replica, states: States) -> None:
    session = await replica.create()
    await session.add(5.0)
    await states.reset(named())
    assert isinstance(session.connection.ended, StreamChanged)
    resumed = await replica.resume()
    assert resumed.opened.next_step == 0
    assert await resumed.add(1.0) == 1.0


async def test_a_deleted_stream_is_gone_and_its_id_free(replica: Replica, states: States) -> None:
    session = await replica.create()
    await session.add(5.0)
    await states.delete(named())
    assert isinstance(session.connection.ended, StreamChanged)
    assert "'robot' was deleted" in str(session.connection.ended)
    assert replica.lane.slots.held == 0
    with pytest.raises(StreamNotFound):
        await replica.resume()
    with pytest.raises(StreamNotFound):
        await states.delete(named())
    assert (await replica.create()).opened.next_step == 0


async def test_a_detached_stream_changes_too(replica: Replica, states: States) -> None:
    session = await replica.create()
    await session.add(5.0)
    session.detach()
    await states.put(named(), total(100.0))
    assert session.connection.ended is None
    assert await (await replica.resume()).add(1.0) == 101.0


async def test_a_fork_goes_on_from_where_its_source_was(replica: Replica, states: States) -> None:
    session = await replica.create()
    await session.add(5.0)
    copy = await states.fork(named(), request("copy", token=OTHER))
    assert (copy.model, copy.next_step) == (MODEL, 1)
    assert await session.add(2.0) == 7.0
    forked = await replica.open(request("copy", Mode.RESUME, OTHER))
    assert await forked.add(10.0) == 15.0
    assert await session.add(2.0) == 9.0
    replica.engine.submit(forked.opened.stream, Step(0, (number(5.0),), 0.0))
    await until(lambda: len(forked.totals) == 2)
    assert forked.totals[-1] == 5.0, "the outputs that the source kept are the copy's too"


@pytest.mark.parametrize("token", [TOKEN, OTHER])
@pytest.mark.parametrize("stream_id", ["robot", "taken"])
async def test_a_fork_takes_no_id_that_is_in_use(
    replica: Replica, states: States, stream_id: str, token: bytes
) -> None:
    await replica.create()
    taken = await replica.create("taken")
    await taken.add(3.0)
    taken.detach()
    with pytest.raises(StreamExists):
        await states.fork(named(), request(stream_id, token=token))
    assert total_of(await states.get(named("taken"))) == 3.0


@used_by
@pytest.mark.parametrize(
    "wrong",
    [named(token=OTHER), named(namespace="plant"), named("nobody")],
    ids=["token", "namespace", "id"],
)
async def test_a_stranger_hears_what_is_said_of_no_stream(
    replica: Replica,
    states: States,
    use: Use,
    wrong: Named,
) -> None:
    session = await replica.create()
    await session.add(5.0)
    with pytest.raises(StreamNotFound) as refused:
        await use(states, wrong)
    with pytest.raises(StreamNotFound) as resumed:
        await Alone().open(wrong.request)
    assert str(refused.value) == str(resumed.value)
    assert await session.add(2.0) == 7.0


@used_by
async def test_a_caller_needs_to_be_covered_for_the_model(
    replica: Replica, states: States, use: Use
) -> None:
    session = await replica.create()
    with pytest.raises(NotAllowed, match="does not cover model 'accumulator'"):
        await use(states, named(models=("another",)))
    assert await session.add(2.0) == 2.0


@used_by
@pytest.mark.parametrize("wrong", [named("no/id"), named(token=b"short")], ids=["id", "token"])
async def test_a_name_that_is_none_is_refused(states: States, use: Use, wrong: Named) -> None:
    with pytest.raises(InvalidRequest):
        await use(states, wrong)


async def test_a_put_that_is_refused_disturbs_nobody(replica: Replica, states: States) -> None:
    session = await replica.create()
    await session.add(5.0)
    with pytest.raises(InvalidRequest, match="holds NaN"):
        await states.put(named(), total(float("nan")))
    assert session.connection.ended is None
    assert await session.add(2.0) == 7.0


@changed_by
async def test_a_server_that_stops_changes_nothing_more(
    replica: Replica, states: States, change: Use
) -> None:
    session = await replica.create()
    await session.add(5.0)
    replica.engine.drain()
    with pytest.raises(ServerDraining):
        await change(states, named())
    assert total_of(await states.get(named())) == 5.0


@pytest.mark.parametrize("change", ["put", "reset"])
async def test_a_client_that_was_cut_off_meanwhile_is_told(
    replica: Replica, states: States, change: str
) -> None:
    """It would go on with a state that it never saw."""
    asked = dataclasses.replace(request(), holder=b"client")
    session = await replica.open(asked)
    session.detach()
    await CHANGES[change](states, named())
    with pytest.raises(StreamTakenOver):
        await replica.open(dataclasses.replace(asked, mode=Mode.RECONNECT))


async def test_what_was_put_from_other_arithmetic_says_so(replica: Replica, states: States) -> None:
    session = await replica.create()
    session.detach()
    await states.put(named(), total(1.0, digest="digest", numerics="another"))
    resumed = await replica.resume()
    assert not resumed.opened.stream.exact
    await states.put(named(), total(1.0, digest="digest"))
    assert (await replica.resume()).opened.stream.exact


async def test_memory_has_its_limit() -> None:
    alone = Alone(limit=1)
    await alone.create()
    with pytest.raises(TooManyStreams):
        await alone.engine.states.fork(named(), request("copy"))
    await alone.engine.states.put(named(), total(1.0))
    assert await (await alone.resume()).add(1.0) == 2.0


@pytest.mark.parametrize("change", ["put", "reset", "fork"])
async def test_a_stream_that_was_changed_is_kept_as_long_as_one_that_was_detached(
    change: str,
) -> None:
    now = 0.0
    alone = Alone(clock=lambda: now)
    session = await alone.create()
    session.detach()
    now = 0.9 * IDLE
    await CHANGES[change](alone.engine.states, named())
    now = 1.8 * IDLE
    asked = request("copy", Mode.RESUME, OTHER) if change == "fork" else request(mode=Mode.RESUME)
    resumed = await alone.open(asked)
    resumed.detach()
    now += IDLE
    with pytest.raises(StreamNotFound, match="detached for more than 600 s"):
        await alone.open(asked)
