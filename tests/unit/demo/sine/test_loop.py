"""The sine demo's loop: what is sent, what is shown, how it is judged."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest

from demo.sine.loop import Moment, closed_loop_errors, listen
from models.tasks.sine.wave import AHEAD, HEARD, sines
from stepwire import InvalidInput
from stepwire.sync import Stream
from tests.unit.demo.sine.halver import Halver


def heard(stream: Halver, waited: list[int] | None = None) -> list[Moment]:
    wait = (waited if waited is not None else []).append
    return list(listen(cast(Stream, stream), np.random.default_rng(3), wait))


def test_it_hears_the_noisy_sine_then_its_own_answers() -> None:
    stream = Halver()
    moments = heard(stream)
    noisy, clean = sines(1, HEARD + AHEAD, np.random.default_rng(3))
    assert stream.sent[:HEARD] == noisy[0, :HEARD, 0].tolist()
    assert stream.sent[HEARD:] == [moment.answer for moment in moments[HEARD - 1 : -1]]
    assert [moment.true for moment in moments] == clean[0, 1:, 0].tolist()
    assert [moment.heard for moment in moments] == [True] * HEARD + [False] * (AHEAD - 1)


def test_every_timestep_waits_for_its_time() -> None:
    waited: list[int] = []
    heard(Halver(), waited)
    assert waited == list(range(HEARD + AHEAD - 1))


def test_the_errors_are_those_past_what_was_heard() -> None:
    def moment(step: int, answer: float) -> Moment:
        return Moment(step, given=3.0, answer=answer, true=1.0, heard=step < HEARD)

    moments = [moment(step, 100.0 if step < HEARD - 1 else 1.5) for step in range(HEARD + AHEAD)]
    assert closed_loop_errors(moments) == pytest.approx((0.5, 2.0))


def test_a_model_of_another_kind_is_refused() -> None:
    with pytest.raises(InvalidInput, match="name a --model that takes one value"):
        heard(Halver(width=2))
