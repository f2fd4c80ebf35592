"""The forecast task: what it learns from, its score, a little training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from models.experiment import architecture_for
from models.networks import SequenceNetwork
from models.tasks.forecast import task as module
from models.tasks.forecast.table import LARGEST, Floats
from models.tasks.forecast.task import Forecast
from models.tasks.task import Recipe, Sequences, TaskRefused
from models.training import train
from tests.unit.models.tasks.forecast.made import dates

ROWS, SPLIT, HORIZON = 500, 400, 4
OVERALL = "MAE over all steps [value]"


def csv(folder: Path, values: Floats) -> str:
    path = folder / "t.csv"
    rows = (f"{day},{value}" for day, value in zip(dates(len(values)), values, strict=True))
    path.write_text("\n".join(("day,value", *rows)))
    return str(path)


def wave() -> Floats:
    """A season of 10 rows around 50."""
    return 50 + 10 * np.sin(np.arange(ROWS) * 2 * np.pi / 10)


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Forecast:
    """A ramp to the split, so that a row's value is its place; far away behind it."""
    values = np.arange(ROWS, dtype=np.float64)
    values[SPLIT:] += 10_000
    return Forecast(csv(tmp_path_factory.mktemp("ramp"), values), horizon=HORIZON)


def network(task: Forecast, hidden: int = 6, *, bidirectional: bool = False) -> SequenceNetwork:
    torch.manual_seed(0)
    architecture = architecture_for(task, hidden=hidden, bidirectional=bidirectional)
    return SequenceNetwork(architecture).eval()


def gathered(task: Forecast, rng: np.random.Generator) -> Sequences:
    return task.gather(0, 1, network(task), rng)


def test_signals_name_columns_and_steps(task: Forecast) -> None:
    assert task.inputs.features == ("value",)
    assert task.outputs.features == (
        "value in 1 step",
        "value in 2 steps",
        "value in 3 steps",
        "value in 4 steps",
    )
    assert task.headline.measure == OVERALL and task.headline.better == "lower"


def test_the_targets_are_the_next_values_and_all_before_the_split(task: Forecast) -> None:
    rng = np.random.default_rng(0)
    gathered = [task.gather(index, 20, network(task), rng).targets for index in range(20)]
    targets = np.concatenate(gathered)
    assert targets.shape[1:] == (module.EXCERPT_ROWS, HORIZON)
    np.testing.assert_array_equal(targets[..., 1:] - targets[..., :-1], 1)
    np.testing.assert_array_equal(targets[:, 1:] - targets[:, :-1], 1)
    assert (targets.min(), targets.max()) == (1, SPLIT - 1)


def test_training_inputs_are_rows_before_the_split_with_noise(task: Forecast) -> None:
    inputs, targets = task.gather(0, 1, network(task), np.random.default_rng(0))
    assert inputs.dtype == targets.dtype == np.float32
    noise = inputs[..., 0] - (targets[..., 0] - 1)
    assert noise.std() == pytest.approx(module.NOISE * np.arange(SPLIT).std(), rel=0.02)
    assert abs(noise.mean()) < 2


def test_normalisation_knows_nothing_of_the_held_out_rows(task: Forecast) -> None:
    trained = train(task, network(task).architecture, Recipe(1, 1, accumulate=False), 0)
    learned = np.arange(SPLIT)
    assert float(trained.output_mean[0]) == pytest.approx(learned.mean(), rel=0.1)
    assert float(trained.input_mean[0]) == pytest.approx(learned.mean(), rel=0.1)
    assert float(trained.output_std[0]) < float(trained.input_std[0]) < 1.2 * learned.std()


def test_a_file_shorter_than_an_excerpt_is_read_whole(tmp_path: Path) -> None:
    short = Forecast(csv(tmp_path, wave()[:120]), horizon=HORIZON)
    inputs, targets = short.gather(0, 1, network(short), np.random.default_rng(0))
    assert inputs.shape[1] == targets.shape[1] == 96 - HORIZON


def test_the_loss_is_the_mean_error_in_standard_deviations(task: Forecast) -> None:
    truth = torch.zeros(2, 5, HORIZON)
    expected = 30 / np.arange(SPLIT).std()
    assert float(task.loss(truth + 30, truth)) == pytest.approx(expected, rel=1e-5)
    assert float(task.loss(truth - 30, truth)) == pytest.approx(expected, rel=1e-5)


def test_network_and_baselines_share_their_measures(task: Forecast) -> None:
    baselines = task.baselines()
    assert list(baselines) == ["last value", "seasonal last value"]
    mine = task.score(network(task))
    assert all(score.keys() == mine.keys() for score in baselines.values())
    # 97 forecasts are scored, and the first of them stands before the leap.
    assert baselines["last value"][OVERALL] == pytest.approx(2.5 + 10_000 / 97)


@torch.no_grad()
def test_the_score_carries_the_state_through_all_rows(task: Forecast, tmp_path: Path) -> None:
    values = wave()
    waves = Forecast(csv(tmp_path, values), horizon=HORIZON)
    made = network(waves)
    state, distances = made.initial_state(1), []
    for row in range(ROWS - HORIZON):
        forecast, state = made.step(torch.tensor([[values[row]]], dtype=torch.float32), state)
        if row >= SPLIT - 1:
            truth = values[row + 1 : row + 1 + HORIZON]
            distances.append(np.abs(forecast.numpy()[0] - truth).mean())
    assert waves.score(made)[OVERALL] == pytest.approx(np.mean(distances), rel=1e-5)


def test_a_little_training_beats_both_baselines(tmp_path: Path) -> None:
    task = Forecast(csv(tmp_path, wave()), horizon=HORIZON)  # whose season is not the week
    recipe = Recipe(rounds=4, batches=10, accumulate=False, learning_rate=1e-2)
    mine = task.score(train(task, network(task, 16).architecture, recipe, 0))[OVERALL]
    assert mine is not None
    assert all(mine < 0.5 * (score[OVERALL] or 0.0) for score in task.baselines().values())


def test_the_largest_numbers_can_be_learned_from(tmp_path: Path) -> None:
    task = Forecast(csv(tmp_path, wave() / 60 * LARGEST), horizon=HORIZON)
    trained = train(task, network(task).architecture, Recipe(1, 2, accumulate=False), 0)
    score = task.score(trained)[OVERALL]
    assert score is not None and 0 < score < LARGEST


def test_a_network_that_reads_ahead_is_not_scored(task: Forecast) -> None:
    with pytest.raises(TaskRefused, match="would read the values that it is to foretell"):
        task.score(network(task, bidirectional=True))


def test_samples_are_rows_in_their_order_and_the_same_each_time(task: Forecast) -> None:
    sample = task.sample(8, 256)
    assert sample.shape == (8, 256, 1) and sample.dtype == np.float32
    np.testing.assert_array_equal(sample, task.sample(8, 256))
    steps = set(np.diff(sample[..., 0], axis=1).ravel().tolist())
    assert steps <= {1, 10_001, -(ROWS - 1 + 10_000)}  # a row, the split, the end of the file


def test_the_picture_has_the_truth_and_whole_forecasts(task: Forecast) -> None:
    axes = Figure().subplots()
    task.draw(network(task), axes)
    truth, *forecasts = axes.lines
    assert len(forecasts) == module.DRAWN
    assert all(len(line.get_xdata()) == HORIZON for line in forecasts)  # type: ignore[arg-type]
    assert axes.get_ylabel() == "value" and truth.get_label() == "true"
