from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from service.console.census import Census
from service.console.view import Listing, Query, Scope, Sort, StreamView
from service.core.lateness import LatePolicy
from service.core.streams import ModelKey, Stream, StreamKey, hash_token
from service.lanes.lane import Lane
from tests.fakes import MODEL, TOKEN, Connection, accumulator_lane
from tests.unit.service.console.stepping import steps

OTHER = ModelKey("other", 1)


def begun(lane: Lane, id_: str, namespace: str = "") -> Stream:
    stream = Stream(
        StreamKey(namespace, id_), hash_token(TOKEN), lane.model, LatePolicy.FLAG, Connection()
    )
    lane.start(stream)
    return stream


async def seen(
    census: Census, lanes: list[Lane], now: float, query: Query | None = None
) -> Listing:
    await census.look(lanes, now)
    return await census.listing(query or Query(limit=100), now)


def ids(listing: Listing) -> list[str]:
    return [each.key.id for each in listing.streams]


def one(listing: Listing) -> StreamView:
    [found] = listing.streams
    return found


async def test_a_rate_is_known_from_the_second_look_on() -> None:
    lane, census = accumulator_lane(), Census()
    stream = begun(lane, "robot")
    steps(lane, stream, 3)
    first = one(await seen(census, [lane], 10.0))
    assert (first.next_step, first.rate, first.idle) == (3, None, None)
    steps(lane, stream, 10)
    second = one(await seen(census, [lane], 10.5))
    assert (second.next_step, second.rate, second.idle) == (13, 20.0, 0.0)


async def test_a_rate_follows_the_stream_and_dies_away() -> None:
    lane, census = accumulator_lane(), Census()
    stream = begun(lane, "robot")
    await seen(census, [lane], 0.0)
    for half_second in range(1, 40):
        steps(lane, stream, 5)
        listing = await seen(census, [lane], half_second / 2)
    assert one(listing).rate == pytest.approx(10.0)
    for second in range(20, 40):
        listing = await seen(census, [lane], float(second))
    rate, idle = one(listing).rate, one(listing).idle
    assert rate is not None
    assert rate < 0.1
    assert idle == 19.5


async def test_a_stream_in_the_slot_of_another_begins_without_a_rate() -> None:
    lane, census = accumulator_lane(), Census()
    former = begun(lane, "former")
    await seen(census, [lane], 0.0)
    lane.free(former)
    steps(lane, begun(lane, "later"), 4)
    listing = await seen(census, [lane], 1.0)
    assert (one(listing).key.id, one(listing).rate, one(listing).idle) == ("later", None, None)


async def test_after_a_while_without_looks_it_begins_anew() -> None:
    lane, census = accumulator_lane(), Census()
    stream = begun(lane, "robot")
    await seen(census, [lane], 0.0)
    steps(lane, stream, 1)
    assert one(await seen(census, [lane], 60.0)).rate is None


async def test_many_who_ask_share_a_look() -> None:
    lane, census = accumulator_lane(), Census()
    stream = begun(lane, "robot")
    await seen(census, [lane], 0.0)
    steps(lane, stream, 5)
    assert one(await seen(census, [lane], 0.5)).rate == 10.0
    steps(lane, stream, 5)
    assert one(await seen(census, [lane], 0.51)).next_step == 5


async def test_more_streams_than_before_are_seen() -> None:
    lane, census = accumulator_lane(), Census()
    begun(lane, "s0")
    await seen(census, [lane], 0.0)
    for number in range(1, 40):
        begun(lane, f"s{number}")
    assert (await seen(census, [lane], 1.0)).matched == 40


async def test_a_version_that_was_loaded_again_begins_anew() -> None:
    former, later, census = accumulator_lane(), accumulator_lane(), Census()
    for number in range(40):
        begun(former, f"s{number}")
    begun(later, "robot")
    await seen(census, [former], 0.0)
    assert one(await seen(census, [later], 1.0)).rate is None


async def crowded() -> tuple[Census, Lane]:
    """Many streams, whose ids are in no order."""
    lane, census = accumulator_lane(), Census()
    for number in range(900):
        steps(lane, begun(lane, f"s{number * 719 % 900:03d}"), number % 3)
    await census.look([lane], 0.0)
    return census, lane


async def test_the_first_of_many_streams_are_listed() -> None:
    census, _ = await crowded()
    listing = await census.listing(Query(limit=3), 0.0)
    assert (ids(listing), listing.matched) == (["s000", "s001", "s002"], 900)
    last = await census.listing(Query(limit=3, descending=True), 0.0)
    assert ids(last) == ["s899", "s898", "s897"]
    furthest = await census.listing(Query(limit=300, sort=Sort.STEP, descending=True), 0.0)
    assert {each.next_step for each in furthest.streams} == {2}
    assert (await census.listing(Query(limit=3, text="S89"), 0.0)).matched == 10


async def turns_during(work: Awaitable[object]) -> int:
    """That others had."""
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await work
    counting.cancel()
    return turns


async def test_others_have_their_turn_while_many_streams_are_looked_at() -> None:
    census, lane = await crowded()
    assert await turns_during(census.look([lane], 1.0)) >= 3
    assert await turns_during(census.listing(Query(limit=100), 1.0)) >= 3


async def test_those_who_ask_during_a_look_share_it() -> None:
    census, lane = await crowded()
    stream = next(one for one in lane.tenants if one)
    first = asyncio.create_task(census.look([lane], 1.0))
    await asyncio.sleep(0)
    steps(lane, stream, 5)
    await asyncio.gather(first, census.look([lane], 1.1))
    found = one(await census.listing(Query(limit=1, text=stream.key.id), 1.1))
    assert (found.next_step, found.rate) == (0, 0.0)


def filled() -> tuple[Census, list[Lane]]:
    lanes = [accumulator_lane(), accumulator_lane(model=OTHER)]
    for place, (namespace, id_) in enumerate((("", "b"), ("plant", "a"), ("", "Cart"))):
        steps(lanes[0], begun(lanes[0], id_, namespace), place)
    steps(lanes[1], begun(lanes[1], "d"), 7)
    return Census(), lanes


async def test_streams_come_in_the_order_asked_for() -> None:
    census, lanes = filled()
    await seen(census, lanes, 0.0)
    assert ids(await seen(census, lanes, 0.0)) == ["Cart", "a", "b", "d"]
    by_step = Query(limit=9, sort=Sort.STEP)
    assert ids(await seen(census, lanes, 0.0, by_step)) == ["b", "a", "Cart", "d"]
    by_step = Query(limit=2, sort=Sort.STEP, descending=True)
    assert ids(await seen(census, lanes, 0.0, by_step)) == ["d", "Cart"]
    by_model = Query(limit=9, sort=Sort.MODEL, descending=True)
    assert ids(await seen(census, lanes, 0.0, by_model))[0] == "d"


async def test_rates_and_idleness_order_with_the_unknown_last() -> None:
    lane, census = accumulator_lane(), Census()
    slow, fast = begun(lane, "slow"), begun(lane, "fast")
    await seen(census, [lane], 0.0)
    steps(lane, slow, 1)
    steps(lane, fast, 3)
    await seen(census, [lane], 1.0)
    steps(lane, slow, 1)
    begun(lane, "new")
    for descending, expected in ((True, ["fast", "slow", "new"]), (False, ["slow", "fast", "new"])):
        query = Query(limit=9, sort=Sort.RATE, descending=descending)
        assert ids(await seen(census, [lane], 2.0, query)) == expected
    query = Query(limit=9, sort=Sort.IDLE)
    assert ids(await seen(census, [lane], 2.0, query)) == ["slow", "fast", "new"]


async def test_a_text_finds_ids_and_models_in_any_case() -> None:
    census, lanes = filled()
    assert ids(await seen(census, lanes, 0.0, Query(limit=9, text="cArT"))) == ["Cart"]
    assert ids(await seen(census, lanes, 0.0, Query(limit=9, text="other"))) == ["d"]
    nothing = await seen(census, lanes, 0.0, Query(limit=9, text="zzz"))
    assert (nothing.matched, nothing.attached) == (0, 4)


async def test_what_is_out_of_scope_is_not_there() -> None:
    census, lanes = filled()
    mine = await seen(census, lanes, 0.0, Query(Scope(namespace="plant"), limit=9))
    assert (ids(mine), mine.matched, mine.attached) == (["a"], 1, 1)
    models = Query(Scope(patterns=("oth*",)), limit=9)
    assert ids(await seen(census, lanes, 0.0, models)) == ["d"]
    chosen = Query(Scope(model=str(MODEL)), limit=9)
    assert ids(await seen(census, lanes, 0.0, chosen)) == ["Cart", "a", "b"]


async def test_detached_streams_are_told_apart() -> None:
    lane, census = accumulator_lane(), Census()
    begun(lane, "here")
    begun(lane, "away").hand_to(None)
    listing = await seen(census, [lane], 0.0)
    assert (listing.attached, listing.detached) == (1, 1)
    assert [each.attached for each in listing.streams] == [False, True]
