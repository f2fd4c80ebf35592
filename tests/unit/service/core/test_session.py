from __future__ import annotations

import numpy as np
import pytest

from service.core.lateness import Verdict
from service.core.model import Array, TensorSpec
from service.core.session import Judgement, Kept, Sessions, seal
from service.core.steps import Step

FLOAT = np.dtype("<f4")
WINDOW = 4


def sessions(capacity: int = 3) -> Sessions:
    made = Sessions([TensorSpec("y", FLOAT, (2,))], WINDOW)
    made.reserve(capacity)
    return made


def run(made: Sessions, slots: list[int], value: float, checksum: int = 0) -> None:
    made.commit(
        np.array(slots),
        np.array([made.next_step(slot) for slot in slots]),
        np.full(len(slots), seal(checksum, Verdict.ON_TIME)),
        [np.full((len(slots), 2), value, FLOAT)],
    )


def judged(made: Sessions, slot: int, number: int, checksum: int) -> Judgement:
    class Known(Step):
        @property
        def checksum(self) -> int:
            return checksum

    return made.judge(slot, Known(number, (), 0.0))


def encoded(value: float) -> bytes:
    array: Array = np.full(2, value, FLOAT)
    return array.tobytes()


def test_only_the_next_step_runs() -> None:
    made = sessions()
    assert judged(made, 0, 0, checksum=1) is Judgement.RUN
    assert judged(made, 0, 1, checksum=1) is Judgement.GAP
    run(made, [0], 5.0)
    assert judged(made, 0, 1, checksum=1) is Judgement.RUN


def test_a_commit_moves_only_its_slots() -> None:
    made = sessions()
    run(made, [0, 2], 1.0)
    assert [made.next_step(slot) for slot in range(3)] == [1, 0, 1]


def test_an_older_step_is_replayed_with_its_first_answer() -> None:
    made = sessions()
    run(made, [1], 1.0, checksum=11)
    run(made, [1], 2.0, checksum=22)
    assert judged(made, 1, 0, checksum=11) is Judgement.REPLAY
    assert made.kept(1, 0) == Kept((encoded(1.0),), Verdict.ON_TIME)
    assert made.kept(1, 1) == Kept((encoded(2.0),), Verdict.ON_TIME)


def test_an_older_step_with_other_inputs_is_a_conflict() -> None:
    made = sessions()
    run(made, [1], 1.0, checksum=11)
    assert judged(made, 1, 0, checksum=12) is Judgement.CONFLICT


def test_a_step_older_than_the_window_is_too_old() -> None:
    made = sessions()
    for step in range(WINDOW + 1):
        run(made, [0], float(step))
    assert judged(made, 0, 0, checksum=0) is Judgement.TOO_OLD
    assert judged(made, 0, 1, checksum=0) is Judgement.REPLAY
    assert made.kept(0, 1).outputs == (encoded(1.0),)


def test_a_held_step_is_consumed_and_gives_the_output_before_it() -> None:
    made = sessions()
    run(made, [0], 3.0)
    held = made.hold(0, checksum=7)
    assert held == Kept((encoded(3.0),), Verdict.HELD)
    assert made.next_step(0) == 2
    assert judged(made, 0, 1, checksum=7) is Judgement.REPLAY
    assert made.kept(0, 1) == held


def test_step_zero_cannot_be_held() -> None:
    with pytest.raises(ValueError, match="step 0"):
        sessions().hold(0, checksum=0)


def test_growing_keeps_what_is_there() -> None:
    made = sessions(capacity=1)
    run(made, [0], 9.0, checksum=3)
    made.reserve(10)
    assert made.next_step(0) == 1
    assert judged(made, 0, 0, checksum=3) is Judgement.REPLAY
    assert made.kept(0, 0).outputs == (encoded(9.0),)
    assert made.next_step(9) == 0


def test_a_new_stream_cannot_replay_the_former_tenants_steps() -> None:
    made = sessions()
    run(made, [0], 1.0, checksum=5)
    made.start(0)
    assert judged(made, 0, 0, checksum=5) is Judgement.RUN
