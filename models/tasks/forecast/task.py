"""Forecasting the next values of a series as its rows come in.

At each row the network reads some columns and foretells one of them for all steps up to the
horizon at once: the direct strategy of Ben Taieb et al., "A review and comparison of strategies
for multi-step ahead time series forecasting", Expert Systems with Applications 39 (2012). What it
knows of the past is its state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import l1_loss

from models.networks import SequenceNetwork
from models.tasks.forecast.baseline import baselines, overall, score
from models.tasks.forecast.series import ahead, features
from models.tasks.forecast.source import chosen
from models.tasks.forecast.table import Unusable
from models.tasks.task import Array, Headline, Recipe, Score, Sequences, Signal, TaskRefused

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EXCERPTS = 64
"""Of each round."""
EXCERPT_ROWS = 300
NOISE = 0.3
"""Added to inputs in training, in their standard deviations: a single series is soon known by
heart. Bishop, "Training with noise is equivalent to Tikhonov regularization", Neural Computation 7
(1995)."""
SAMPLE_SEED = 0
DRAWN = 8
"""Forecasts in the plot, one after the other."""


class Forecast:
    """The score is of the last rows, after the state has met all rows before them."""

    name = "forecast"
    recipe = Recipe(rounds=15, batches=20, accumulate=False)

    def __init__(
        self,
        csv: str | None = None,
        time: str | None = None,
        delimiter: str | None = None,
        read: str | None = None,
        predict: str | None = None,
        horizon: int = 7,
        season: int | None = None,
    ) -> None:
        """As `source.chosen` takes them. Raises TaskRefused."""
        try:
            self._series = chosen(
                csv,
                time=time,
                delimiter=delimiter,
                read=read,
                predict=predict,
                horizon=horizon,
                season=season,
            )
        except Unusable as error:
            raise TaskRefused(str(error)) from error
        self.inputs = Signal("row", self._series.read)
        self.outputs = Signal("forecast", features(self._series.predict, horizon))
        self.headline = Headline(overall(self._series), "lower")
        learned = slice(0, self._series.split)
        self._input_std = self._series.inputs[learned].std(axis=0)
        self._output_std = float(self._series.values[learned].std())

    def gather(
        self, index: int, rounds: int, network: SequenceNetwork, rng: np.random.Generator
    ) -> Sequences:
        """Excerpts of the rows for training, whose targets lie before the split too."""
        series = self._series
        targets = ahead(series.values[: series.split], series.horizon)
        rows = min(EXCERPT_ROWS, len(targets))
        starts = rng.integers(len(targets) - rows + 1, size=EXCERPTS)
        places = starts[:, None] + np.arange(rows)
        inputs = series.inputs[places]
        noise = rng.normal(scale=NOISE * self._input_std, size=inputs.shape)
        return Sequences((inputs + noise).astype(np.float32), targets[places])

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean absolute error, in standard deviations."""
        return l1_loss(outputs, targets) / self._output_std

    def score(self, network: SequenceNetwork) -> Score:
        return score(self._series, self._forecasts(network))

    def baselines(self) -> Mapping[str, Score]:
        return {name: score(self._series, made) for name, made in baselines(self._series).items()}

    def sample(self, rows: int, steps: int) -> Array:
        """Excerpts of all rows; a shorter file begins again at its end."""
        inputs = self._series.inputs
        starts = np.random.default_rng(SAMPLE_SEED).integers(len(inputs), size=rows)
        sample: Array = inputs[(starts[:, None] + np.arange(steps)) % len(inputs)]
        return sample

    def draw(self, network: SequenceNetwork, axes: Axes) -> None:
        """The newest held-out rows whose truth is known, and the forecasts made there."""
        series, forecasts = self._series, self._forecasts(network)
        rows = list(range(*series.scored.indices(len(series.values))))
        origins = rows[:: -series.horizon][:DRAWN][::-1]
        shown = np.arange(max(0, origins[0] - series.season), origins[-1] + series.horizon + 1)
        axes.plot(shown, series.values[shown], color="0.6", label="true")
        for origin in origins:
            ahead_of = np.arange(origin + 1, origin + 1 + series.horizon)
            label = "forecast" if origin == origins[0] else None
            axes.plot(ahead_of, forecasts[origin], color="C1", label=label)
        axes.set(title=f"forecasts, each of {series.horizon} steps", xlabel="row")
        axes.set_ylabel(series.predict)
        axes.legend()

    @torch.no_grad()
    def _forecasts(self, network: SequenceNetwork) -> Array:
        """[N, H], the state carried from the first row to the last. Raises TaskRefused."""
        if network.architecture.bidirectional:
            raise TaskRefused(
                "a bidirectional network would read the values that it is to foretell"
            )
        outputs, _ = network(torch.from_numpy(self._series.inputs[None]))
        forecasts: Array = outputs[0].numpy()
        return forecasts
