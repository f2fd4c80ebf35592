from __future__ import annotations

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


def seen(census: Census, lanes: list[Lane], now: float, query: Query | None = None) -> Listing:
    census.look(lanes, now)
    return census.listing(query or Query(limit=100), now)


def ids(listing: Listing) -> list[str]:
    return [each.key.id for each in listing.streams]


def one(listing: Listing) -> StreamView:
    [found] = listing.streams
    return found


def test_a_rate_is_known_from_the_second_look_on() -> None:
    lane, census = accumulator_lane(), Census()
    stream = begun(lane, "robot")
    steps(lane, stream, 3)
    first = one(seen(census, [lane], 10.0))
    assert (first.next_step, first.rate, first.idle) == (3, None, None)
    steps(lane, stream, 10)
    second = one(seen(census, [lane], 10.5))
    assert (second.next_step, second.rate, second.idle) == (13, 20.0, 0.0)


def test_a_rate_follows_the_stream_and_dies_away() -> None:
    lane, census = accumulator_lane(), Census()
    stream = begun(lane, "robot")
    seen(census, [lane], 0.0)
    for half_second in range(1, 40):
        steps(lane, stream, 5)
        listing = seen(census, [lane], half_second / 2)
    assert one(listing).rate == pytest.approx(10.0)
    for second in range(20, 40):
        listing = seen(census, [lane], float(second))
    rate, idle = one(listing).rate, one(listing).idle
    assert rate is not None
    assert rate < 0.1
    assert idle == 19.5


def test_a_stream_in_the_slot_of_another_begins_without_a_rate() -> None:
    lane, census = accumulator_lane(), Census()
    former = begun(lane, "former")
    seen(census, [lane], 0.0)
    lane.free(former)
    steps(lane, begun(lane, "later"), 4)
    listing = seen(census, [lane], 1.0)
    assert (one(listing).key.id, one(listing).rate, one(listing).idle) == ("later", None, None)


def test_after_a_while_without_looks_it_begins_anew() -> None:
    lane, census = accumulator_lane(), Census()
    stream = begun(lane, "robot")
    seen(census, [lane], 0.0)
    steps(lane, stream, 1)
    assert one(seen(census, [lane], 60.0)).rate is None


def test_many_who_ask_share_a_look() -> None:
    lane, census = accumulator_lane(), Census()
    stream = begun(lane, "robot")
    seen(census, [lane], 0.0)
    steps(lane, stream, 5)
    assert one(seen(census, [lane], 0.5)).rate == 10.0
    steps(lane, stream, 5)
    assert one(seen(census, [lane], 0.51)).next_step == 5


def test_more_streams_than_before_are_seen() -> None:
    lane, census = accumulator_lane(), Census()
    begun(lane, "s0")
    seen(census, [lane], 0.0)
    for number in range(1, 40):
        begun(lane, f"s{number}")
    assert seen(census, [lane], 1.0).matched == 40


def filled() -> tuple[Census, list[Lane]]:
    lanes = [accumulator_lane(), accumulator_lane(model=OTHER)]
    for place, (namespace, id_) in enumerate((("", "b"), ("plant", "a"), ("", "Cart"))):
        steps(lanes[0], begun(lanes[0], id_, namespace), place)
    steps(lanes[1], begun(lanes[1], "d"), 7)
    return Census(), lanes


def test_streams_come_in_the_order_asked_for() -> None:
    census, lanes = filled()
    seen(census, lanes, 0.0)
    assert ids(seen(census, lanes, 0.0)) == ["Cart", "a", "b", "d"]
    by_step = Query(limit=9, sort=Sort.STEP)
    assert ids(seen(census, lanes, 0.0, by_step)) == ["b", "a", "Cart", "d"]
    by_step = Query(limit=2, sort=Sort.STEP, descending=True)
    assert ids(seen(census, lanes, 0.0, by_step)) == ["d", "Cart"]
    by_model = Query(limit=9, sort=Sort.MODEL, descending=True)
    assert ids(seen(census, lanes, 0.0, by_model))[0] == "d"


def test_rates_and_idleness_order_with_the_unknown_last() -> None:
    lane, census = accumulator_lane(), Census()
    slow, fast = begun(lane, "slow"), begun(lane, "fast")
    seen(census, [lane], 0.0)
    steps(lane, slow, 1)
    steps(lane, fast, 3)
    seen(census, [lane], 1.0)
    steps(lane, slow, 1)
    begun(lane, "new")
    for descending, expected in ((True, ["fast", "slow", "new"]), (False, ["slow", "fast", "new"])):
        query = Query(limit=9, sort=Sort.RATE, descending=descending)
        assert ids(seen(census, [lane], 2.0, query)) == expected
    query = Query(limit=9, sort=Sort.IDLE)
    assert ids(seen(census, [lane], 2.0, query)) == ["slow", "fast", "new"]


def test_a_text_finds_ids_and_models_in_any_case() -> None:
    census, lanes = filled()
    assert ids(seen(census, lanes, 0.0, Query(limit=9, text="cArT"))) == ["Cart"]
    assert ids(seen(census, lanes, 0.0, Query(limit=9, text="other"))) == ["d"]
    nothing = seen(census, lanes, 0.0, Query(limit=9, text="zzz"))
    assert (nothing.matched, nothing.attached) == (0, 4)


def test_what_is_out_of_scope_is_not_there() -> None:
    census, lanes = filled()
    mine = seen(census, lanes, 0.0, Query(Scope(namespace="plant"), limit=9))
    assert (ids(mine), mine.matched, mine.attached) == (["a"], 1, 1)
    models = Query(Scope(patterns=("oth*",)), limit=9)
    assert ids(seen(census, lanes, 0.0, models)) == ["d"]
    chosen = Query(Scope(model=str(MODEL)), limit=9)
    assert ids(seen(census, lanes, 0.0, chosen)) == ["Cart", "a", "b"]


def test_detached_streams_are_told_apart() -> None:
    lane, census = accumulator_lane(), Census()
    begun(lane, "here")
    begun(lane, "away").hand_to(None)
    listing = seen(census, [lane], 0.0)
    assert (listing.attached, listing.detached) == (1, 1)
    assert [each.attached for each in listing.streams] == [False, True]
