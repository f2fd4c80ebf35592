"""Delayed copy, as the demo sees it."""

from __future__ import annotations

import numpy as np
import pytest

from demo.memory.copying import Copying
from demo.memory.episode import Moment, Timestep
from models.tasks.copying.data import SHOWN, SYMBOLS
from stepwire import InvalidInput
from tests.unit.demo.memory.fakes import FakeStream


def test_what_is_told_is_due_a_delay_later() -> None:
    asked = Copying(20).episode(np.random.default_rng(0))
    assert len(asked) == 20 + SHOWN
    told = [timestep.told for timestep in asked]
    due = [timestep.due for timestep in asked]
    assert due[20:] == told[:SHOWN]
    assert not any(told[SHOWN:])
    assert not any(due[:20])


def test_a_message_is_the_symbol_itself() -> None:
    asked = Copying(20).episode(np.random.default_rng(0))
    assert [timestep.message for timestep in asked] == [[timestep.glyph] for timestep in asked]
    assert asked[20].glyph == "?"


def test_the_answer_is_the_likeliest_letter() -> None:
    assert Copying(20).read(np.array([-5.0, -0.1, -3.0])) == "b"


def test_the_verdict_counts_letters_and_what_chance_would_get() -> None:
    moments = [
        Moment(21, Timestep(["-"], "-", "", due), answer)
        for due, answer in zip("aaab" * 4, "aaaa" * 4, strict=True)
    ]
    assert Copying(20).verdict(moments) == "12 of 16 letters right, 2 by guessing"


def test_a_model_of_something_else_is_refused() -> None:
    Copying(20).check("copying-gru", FakeStream(symbols=SYMBOLS).stream)
    with pytest.raises(InvalidInput, match="text-gru takes .* name with --copying a model"):
        Copying(20).check("text-gru", FakeStream(symbols=("a", "b")).stream)


def test_a_model_without_an_input_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"counter takes \[\]: name with --copying"):
        Copying(20).check("counter", FakeStream().stream)
