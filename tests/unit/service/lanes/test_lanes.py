from __future__ import annotations

import gc
import weakref

import pytest

from service.core.errors import ModelNotFound
from service.core.lateness import LatePolicy
from service.core.steps import Step
from service.core.streams import ModelKey, Stream, StreamKey
from service.lanes.lane import Lane
from service.lanes.lanes import Lanes
from tests.fakes import MODEL, Connection, accumulator_lane, number, turn_of

NEWER = ModelKey(MODEL.name, 2)


def lanes(*keys: ModelKey) -> Lanes:
    return Lanes({key: accumulator_lane(model=key) for key in keys}, {})


def stream_on(lane: Lane, stream_id: str = "robot") -> Stream:
    owner = Connection()
    stream = Stream(StreamKey("", stream_id), b"", lane.model, LatePolicy.FLAG, owner)
    lane.start(stream)
    return stream


def step(lane: Lane, stream: Stream) -> None:
    lane.submit(stream, Step(lane.next_step(stream), (number(1.0),), 0.0))
    turn_of(lane)


def test_new_streams_take_the_newest_version_that_takes_any() -> None:
    two = lanes(MODEL, NEWER)
    stream_on(two[NEWER])
    assert two.named(MODEL.name, None).model == NEWER
    two.retire(NEWER)
    assert two.named(MODEL.name, None).model == MODEL
    with pytest.raises(ModelNotFound, match="accumulator/2 was unloaded and takes no new streams"):
        two.named(MODEL.name, 2)
    two.reinstate(NEWER)
    assert two.named(MODEL.name, None).model == NEWER


def test_a_retired_version_serves_its_streams_and_leaves_with_the_last_one() -> None:
    two = lanes(MODEL, NEWER)
    first, second = stream_on(two[MODEL], "a"), stream_on(two[MODEL], "b")
    two.retire(MODEL)
    two.free(first)
    assert two[MODEL] is two.of(second) and two.is_retired(MODEL)
    two.free(second)
    assert two.find(MODEL) is None and not two.is_retired(MODEL)
    assert [lane.model for lane in two] == [NEWER]


def test_a_version_without_streams_leaves_at_once_and_its_memory_is_freed() -> None:
    two = lanes(MODEL, NEWER)
    stream = stream_on(two[MODEL])
    gone = weakref.ref(two[MODEL])
    two.retire(MODEL)
    gc.collect()
    assert gone()
    two.free(stream)
    gc.collect()
    assert gone() is None


def test_a_stream_whose_version_is_not_there_is_told_what_to_load() -> None:
    only = lanes(NEWER)
    with pytest.raises(
        ModelNotFound, match="accumulator/1, which does not .*load accumulator --version 1`"
    ):
        only[MODEL]
    only.refuse(MODEL, "off by 0.1")
    with pytest.raises(ModelNotFound, match="which does not serve here: off by 0.1; load it"):
        only[MODEL]


def test_a_refused_file_leaves_what_serves_and_one_that_serves_ends_the_refusal() -> None:
    one = lanes(MODEL)
    one.refuse(MODEL, "off by 0.1")
    assert one.named(MODEL.name, None).model == MODEL
    newer = accumulator_lane()
    one.put(newer)
    assert one[MODEL] is newer and not one.refused


def test_a_version_counts_on_when_it_comes_into_service_again() -> None:
    two = lanes(MODEL, NEWER)
    for times in (1, 2, 3):
        stream = stream_on(two[MODEL])
        step(two[MODEL], stream)
        two[MODEL].stream_counts.closed += 1
        two.retire(MODEL)
        two.free(stream)
        [past] = two.past
        assert (past.model, past.slots, past.steps.ran, past.streams.closed) == (
            MODEL,
            0,
            times,
            times,
        )
        two.put(accumulator_lane())
        again = two[MODEL].reading(0)
        assert (again.steps.ran, again.streams.closed, two.past) == (times, times, ())
        assert sum(again.steps.queue.counts) == times
        assert two.steps() == times


def test_a_version_that_replaces_itself_counts_on() -> None:
    one = lanes(MODEL)
    stream = stream_on(one[MODEL])
    step(one[MODEL], stream)
    one.free(stream)
    one.put(accumulator_lane())
    assert (one[MODEL].counts.ran, one.past) == (1, ())


def test_what_has_run_is_counted_beyond_the_life_of_a_lane() -> None:
    two = lanes(MODEL, NEWER)
    stream = stream_on(two[MODEL])
    step(two[MODEL], stream)
    two.loading_seconds = 2.0
    before = two.steps(), two.computed()
    two.retire(MODEL)
    two.free(stream)
    assert (two.steps(), two.computed()) == before
    assert two.steps() == 1 and two.computed() >= 2.0


def test_of_many_versions_that_have_left_the_last_ones_are_told_and_all_are_counted() -> None:
    many = lanes()
    for version in range(1, 71):
        model = ModelKey(MODEL.name, version)
        many.put(accumulator_lane(model=model))
        stream = stream_on(many[model])
        step(many[model], stream)
        many.retire(model)
        many.free(stream)
    assert [past.model.version for past in many.past] == list(range(7, 71))
    assert many.steps() == 70
