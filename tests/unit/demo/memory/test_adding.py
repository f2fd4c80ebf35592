"""The adding problem, as the demo sees it."""

from __future__ import annotations

import numpy as np
import pytest

from demo.memory.adding import Adding
from demo.memory.episode import Moment, Timestep
from models.tasks.adding.data import READING
from stepwire import InvalidInput
from tests.unit.demo.memory.fakes import FakeStream


def test_two_values_are_told_and_their_sum_is_due_at_the_end() -> None:
    asked = Adding(50).episode(np.random.default_rng(0))
    assert len(asked) == 50
    told = [float(timestep.told) for timestep in asked if timestep.told]
    assert len(told) == 2
    assert [bool(timestep.due) for timestep in asked] == [False] * 49 + [True]
    assert float(asked[-1].due) == pytest.approx(sum(told), abs=0.002)


def test_a_message_is_the_value_and_its_mark_and_a_glyph_its_height() -> None:
    for timestep in Adding(50).episode(np.random.default_rng(0)):
        value, mark = np.asarray(timestep.message).tolist()
        assert mark == bool(timestep.told)
        assert timestep.glyph == "▁▂▃▄▅▆▇█"[int(8 * value)]


def test_the_verdict_is_the_error_over_all_sums() -> None:
    def moment(due: str, answer: str) -> Moment:
        return Moment(50, Timestep([0.0, 0.0], "▁", "", due), answer)

    verdict = Adding(50).verdict([moment("1.000", "1.300"), moment("0.500", "0.510")])
    assert verdict == "RMSE 0.212 over 2 sums, 1 of them within 0.04"


def test_a_model_of_something_else_is_refused() -> None:
    Adding(50).check("adding-gru", FakeStream(features=READING).stream)
    with pytest.raises(InvalidInput, match="pendulum-gru takes .* name with --adding a model"):
        Adding(50).check("pendulum-gru", FakeStream(features=("x", "y")).stream)


def test_a_model_without_an_input_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"counter takes \[\]: name with --adding"):
        Adding(50).check("counter", FakeStream().stream)
