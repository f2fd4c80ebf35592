"""An episode on a stream."""

from __future__ import annotations

import numpy as np

from demo.memory.copying import Copying
from demo.memory.episode import play
from models.tasks.copying.data import LETTERS
from tests.unit.demo.memory.fakes import FakeStream


def test_each_timestep_is_a_message_sent_when_it_is_due() -> None:
    problem = Copying(20)
    asked = problem.episode(np.random.default_rng(0))
    stream, sent_before = FakeStream(np.eye(len(LETTERS))[2]), []

    def wait(place: int) -> None:
        sent_before.append((place, len(stream.sent)))

    moments = list(play(stream.stream, problem, asked, wait))
    assert sent_before == [(place, place) for place in range(len(asked))]
    assert stream.sent == [timestep.message for timestep in asked]
    assert [moment.number for moment in moments] == list(range(1, len(asked) + 1))
    assert [moment.asked for moment in moments] == list(asked)
    assert {moment.answer for moment in moments} == {"c"}
