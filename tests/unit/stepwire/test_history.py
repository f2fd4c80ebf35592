from __future__ import annotations

from stepwire.history import History, Replay
from stepwire.v1 import stream_pb2 as pb

SIZE = 128 + 64 + 8
"""Of one timestep that is kept, with one input of 8 bytes."""


def history(max_bytes: int, *, durable: bool = True) -> History:
    kept = History(max_bytes)
    signature = pb.Signature(inputs=[pb.TensorSpec(name="x", dtype="float32", shape=[2])])
    kept.connected(pb.Opened(durable=durable, signature=signature))
    return kept


def keep(kept: History, count: int) -> None:
    for _ in range(count):
        kept.keep((bytes([kept.end]),), pb.VERDICT_ON_TIME)


def test_it_gives_back_what_it_keeps_with_number_and_verdict() -> None:
    kept = history(10 * SIZE)
    kept.begin(7)
    kept.keep((b"a",), pb.VERDICT_ON_TIME)
    kept.keep((b"b",), pb.VERDICT_HELD)
    assert list(kept.since(8)) == [Replay(8, (b"b",), pb.VERDICT_HELD)]
    assert [replay.number for replay in kept.since(0)] == [7, 8]
    assert list(kept.since(9)) == []


def test_a_full_history_drops_the_oldest_and_is_unprotected_until_that_is_saved() -> None:
    kept = history(3 * SIZE + SIZE // 2)
    keep(kept, 3)
    assert kept.protected and kept.first == 0
    keep(kept, 1)
    assert not kept.protected and kept.first == 1
    kept.saved(1)
    assert kept.protected and kept.first == 1


def test_it_is_full_when_the_unanswered_could_push_one_out() -> None:
    kept = history(3 * SIZE)
    keep(kept, 1)
    assert not kept.full(unanswered=1)
    assert kept.full(unanswered=2)
    kept.saved(1)
    assert not kept.full(unanswered=2)


def test_it_keeps_one_timestep_however_little_room_there_is() -> None:
    kept = history(0)
    assert not kept.full(unanswered=0)
    keep(kept, 2)
    assert (kept.first, kept.end) == (1, 2)


def test_without_a_durable_store_it_keeps_nothing_and_is_never_full() -> None:
    kept = history(SIZE, durable=False)
    keep(kept, 5)
    assert (kept.first, kept.end) == (5, 5)
    assert not kept.full(unanswered=100) and not kept.protected


def test_a_store_that_is_ahead_of_the_answers_empties_it() -> None:
    kept = history(10 * SIZE)
    keep(kept, 2)
    kept.saved(5)
    assert (kept.first, kept.end) == (2, 2)
    keep(kept, 1)
    assert kept.protected


def test_it_tells_when_something_was_saved() -> None:
    told: list[int] = []
    kept = History(SIZE, on_saved=lambda: told.append(kept.durable_step))
    kept.saved(3)
    assert told == [3]
