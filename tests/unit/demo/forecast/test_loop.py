"""The forecast demo's loop: what is sent, when it waits, how it judges."""

from __future__ import annotations

import numpy as np
import pytest

from demo.forecast.loop import Moment, play, series_for
from models.tasks.forecast.table import Unusable
from stepwire import InvalidInput
from tests.unit.demo.forecast.fakes import Prophet
from tests.unit.models.tasks.forecast.made import counted, daily


def played(prophet: Prophet) -> tuple[list[Moment], list[tuple[int, int]]]:
    """What was shown; and each timestep that was waited for, with the rows sent until then."""
    shown: list[Moment] = []
    waits: list[tuple[int, int]] = []
    play(
        prophet.as_stream(),
        counted(100, horizon=3),
        lambda timestep: waits.append((timestep, len(prophet.sent))),
        shown.append,
    )
    return shown, waits


def test_every_row_is_sent_once_in_order_and_in_raw_units() -> None:
    prophet = Prophet()
    played(prophet)
    assert prophet.sent == [[float(row)] for row in range(100)]


def test_only_held_out_rows_wait_and_are_shown() -> None:
    shown, waits = played(Prophet())
    assert [moment.row for moment in shown] == list(range(79, 100))
    assert waits == list(enumerate(range(79, 100)))


def test_a_forecast_is_judged_when_its_truth_has_come() -> None:
    shown, _ = played(Prophet(error=0.5))
    assert [moment.row for moment in shown if not moment.so_far] == [79, 80, 81]
    for moment in shown[3:]:
        assert moment.so_far["network"] == pytest.approx(0.5)
        assert moment.so_far["last value"] == pytest.approx(2)  # 1, 2 and 3 behind
        assert moment.so_far["seasonal last value"] == pytest.approx(7)


def test_errors_so_far_are_of_the_forecasts_so_far() -> None:
    class Tiring(Prophet):
        """Off by 1 from its first held-out forecast on, by 2 at the second, and so on."""

        def step(self, inputs: np.typing.NDArray[np.float32]) -> np.typing.NDArray[np.float32]:
            return np.asarray(super().step(inputs) + max(0, len(self.sent) - 79), np.float32)

    shown, _ = played(Tiring())
    assert [moment.so_far["network"] for moment in shown[3:7]] == [1, 1.5, 2, 2.5]


def test_the_forecasts_of_all_rows_come_back() -> None:
    made = counted(100, horizon=3)
    forecasts = play(Prophet().as_stream(), made, lambda timestep: None, lambda moment: None)
    np.testing.assert_array_equal(forecasts[[0, 99]], [[1, 2, 3], [100, 101, 102]])


def test_the_model_says_what_is_read_and_how_far_it_looks() -> None:
    table = daily(np.arange(90), np.arange(90) % 4)
    prophet = Prophet(horizon=2, read=("other", "value"))
    made = series_for(prophet.as_stream(), table, None, None)
    assert (made.read, made.predict, made.horizon) == (("other", "value"), "value", 2)
    assert made.inputs[5].tolist() == [1, 5]


def test_a_table_without_a_column_of_the_model_names_what_exists() -> None:
    prophet = Prophet(read=("value", "wind"))
    with pytest.raises(Unusable, match=r"has no column 'wind', but 'date', 'value'"):
        series_for(prophet.as_stream(), daily(np.arange(90)), None, None)


@pytest.mark.parametrize(
    "prophet", [Prophet(answers=["next_value"]), Prophet(read=())], ids=["answers", "reads"]
)
def test_a_model_of_another_kind_is_refused(prophet: Prophet) -> None:
    with pytest.raises(InvalidInput, match="name a --model that `stepwire train forecast` made"):
        series_for(prophet.as_stream(), daily(np.arange(90)), None, None)
