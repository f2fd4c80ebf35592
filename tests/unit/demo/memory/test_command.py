"""`stepwire demo memory`: what it takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import numpy as np
import pytest
from click.testing import CliRunner

from demo.command import demo
from models.tasks.adding.data import READING, episodes
from models.tasks.copying.data import LETTERS, SYMBOLS
from models.tasks.seeds import shown
from tests.unit.demo.memory.fakes import FakeStream

SHORT = ("memory", "--length", "5", "--delay", "6", "--episodes", "2", "--speed", "max")

Served = dict[str, FakeStream]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Served:
    """Models by name, which the demo finds at its service."""
    models = {
        "adding-gru": FakeStream([1.0], features=READING),
        "copying-gru": FakeStream(np.eye(len(LETTERS))[0], symbols=SYMBOLS),
    }

    @contextmanager
    def streaming(address: str, model: str) -> Iterator[FakeStream]:
        yield models[model]

    monkeypatch.setattr("demo.memory.command.served", lambda *_: nullcontext("somewhere:1"))
    monkeypatch.setattr("demo.memory.command.streaming", streaming)
    return models


def test_the_episodes_are_neither_trained_nor_scored(served: Served) -> None:
    result = CliRunner().invoke(demo, [*SHORT, "--seed", "3"])
    assert result.exit_code == 0, result.output
    rng = shown(3)
    drawn = [episodes(1, 5, rng).inputs[0] for _ in range(2)]
    np.testing.assert_array_equal(np.array(served["adding-gru"].sent), np.concatenate(drawn))


def test_a_wrong_model_is_refused_before_the_first_episode(served: Served) -> None:
    result = CliRunner().invoke(demo, [*SHORT, "--copying", "adding-gru"])
    assert result.exit_code == 2
    [line] = result.stderr.splitlines()
    assert line.startswith("error: adding-gru takes ") and "name with --copying" in line
    assert served["adding-gru"].sent == []


@pytest.mark.parametrize(
    ("option", "value"),
    [("--length", "1"), ("--delay", "3"), ("--episodes", "0"), ("--seed", "-1")],
)
def test_what_is_too_little_is_refused(option: str, value: str) -> None:
    result = CliRunner().invoke(demo, ["memory", option, value])
    assert result.exit_code == 2
    assert option in result.stderr
