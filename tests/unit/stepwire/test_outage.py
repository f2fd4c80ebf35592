from __future__ import annotations

import asyncio

import pytest

from stepwire import errors
from stepwire.outage import Outage

TIMER_RESOLUTION = 1e-9
"""Of timers this close the loop runs both in one turn."""


async def wait(outage: Outage) -> None:
    """As long as the outage allows."""
    limit = outage.limit()
    try:
        async with limit:
            await asyncio.Event().wait()
    finally:
        outage.forget(limit)


async def test_who_waits_when_the_server_goes_waits_no_longer_than_the_limit() -> None:
    outage = Outage(0.0)
    waiting = asyncio.create_task(wait(outage))
    await asyncio.sleep(0)
    outage.begin(errors.Unavailable("connection refused"))
    with pytest.raises(TimeoutError):
        await waiting
    assert str(outage.error()) == "no server answered for 0 s: connection refused"


async def test_who_comes_while_it_is_gone_has_the_same_time_from_then_on() -> None:
    outage = Outage(0.0)
    outage.begin(errors.Unavailable("gone"))
    with pytest.raises(TimeoutError):
        await wait(outage)


async def test_a_server_that_answers_lifts_the_limit() -> None:
    outage = Outage(60.0)
    limit = outage.limit()
    async with limit:
        assert limit.when() is None
        outage.begin(errors.Unavailable("gone"))
        when = limit.when()
        assert when
        outage.begin(errors.Unavailable("still gone"))
        assert limit.when() == when
        outage.end()
        assert limit.when() is None
    outage.forget(limit)
    assert str(outage.error()) == "no server answered for 60 s"


async def test_an_answer_at_the_very_end_does_not_disturb_what_has_run_out() -> None:
    outage = Outage(0.0)
    waiting = asyncio.create_task(wait(outage))
    await asyncio.sleep(0)
    outage.begin(errors.Unavailable("gone"))
    complaints: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context["exception"]))
    # In the turn of the loop in which the limit's timer runs, before the waiting task.
    loop.call_at(loop.time() + TIMER_RESOLUTION, outage.end)
    with pytest.raises(TimeoutError):
        await waiting
    assert not complaints
