from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from service.core.roster import HandlesRefused, Place, Roster


def joined(count: int, *, lane: int = 0, place: Place = Place.BLOCK) -> Roster:
    roster = Roster()
    for row in range(count):
        roster.join(place, lane=lane, row=10 + row, durable_step=0)
    return roster


def packed(handles: Sequence[int]) -> bytes:
    return np.array(handles, "<u4").tobytes()


def test_neighbours_are_indexed_by_slices() -> None:
    roster = joined(20)
    cast = roster.cast(packed(range(3, 9)))
    assert (cast.index, cast.rows) == (slice(3, 9), slice(13, 19))
    assert roster.cast(packed([5])).rows == slice(15, 16)
    assert np.asarray(roster.cast(packed([4, 2, 3])).rows).tolist() == [14, 12, 13]


def test_what_handles_stand_for_is_looked_at_again_once_a_stream_has_gone() -> None:
    roster = joined(4)
    before = roster.cast(packed([0, 1, 2]))
    assert roster.cast(packed([0, 1, 2])) is before
    roster.lose(1)
    after = roster.cast(packed([0, 1, 2]))
    assert before.lost is None
    assert after.lost is not None and after.lost.tolist() == [False, True, False]
    assert (after.tenancies != before.tenancies).tolist() == [False, True, False]
    assert after.changes > before.changes


def test_a_handle_is_given_again_once_it_is_free() -> None:
    roster = joined(3)
    roster.lose(1)
    assert roster.join(Place.BLOCK, lane=0, row=50, durable_step=7) == 3
    roster.free(1)
    assert roster.join(Place.SINGLE, lane=0, row=60, durable_step=7) == 1
    cast = roster.cast(packed([0, 1]))
    assert cast.singles is not None and cast.singles.tolist() == [False, True]


@pytest.mark.parametrize("handles", [[0, 0], [3], [0, 2**32 - 1]])
def test_handles_that_are_nobodys_or_occur_twice_are_refused(handles: list[int]) -> None:
    with pytest.raises(HandlesRefused, match="occurs once"):
        joined(3).cast(packed(handles))


def test_bytes_that_are_no_handles_are_refused() -> None:
    with pytest.raises(HandlesRefused, match="5 bytes"):
        joined(3).cast(bytes(5))


def test_streams_of_two_model_versions_are_refused_together() -> None:
    roster = joined(2)
    roster.join(Place.BLOCK, lane=1, row=0, durable_step=0)
    with pytest.raises(HandlesRefused, match="one model version"):
        roster.cast(packed([0, 2]))
    assert roster.cast(packed([2])).lane == 1


def test_durable_steps_are_told_by_themselves_where_no_answer_will() -> None:
    roster = joined(3)
    roster.durable[:3] = 5
    roster.unanswered[1] = 1
    assert roster.untold().tolist() == [0, 2]
    roster.told[0] = 5
    assert roster.untold().tolist() == [2]
    roster.lose(2)
    assert roster.untold().tolist() == []
