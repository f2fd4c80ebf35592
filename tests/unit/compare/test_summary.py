"""The verdict in words."""

from __future__ import annotations

from dataclasses import replace

from compare.results import Statistic
from compare.summary import summary, within_spread
from models.cores import Cell
from models.tasks.task import Headline
from tests.unit.compare.made import ERROR, SHARE, diverged, entry, results, trial, usual

CELLS: tuple[Cell, ...] = ("rnn", "gru")


def test_the_best_is_named_for_each_kind_of_equality() -> None:
    assert summary(usual()) == (
        f"Judged by {ERROR}: lower is better. "
        "At equal hidden size gru 4 is best (2.0 ± 1.4), beyond the spread. "
        "At equal parameters gru 4 is best (2.0 ± 1.4), rnn 9 (3) within the spread. "
        "rnn 4 does not beat last value (3.5); the others do. "
        "No network beats oracle (0.5)."
    )


def test_higher_may_be_better() -> None:
    found = results(
        entry("rnn", 4, ("hidden size", "parameters"), trial(0, 1.0, 20.0), trial(1, 1.0, 30.0)),
        entry("gru", 4, ("hidden size", "parameters"), trial(0, 9.0, 80.0), trial(1, 9.0, 90.0)),
        headline=Headline(SHARE, "higher"),
    )
    assert "At equal hidden size gru 4 is best (85.0 ± 7.1), beyond the spread." in summary(found)
    assert "rnn 4 does not beat last value (50); the others do." in summary(found)
    assert "oracle" not in summary(found)  # it has no such measure


def test_equal_figures_are_a_tie() -> None:
    found = results(
        entry("rnn", 4, ("hidden size",), trial(0, 1.0)),
        entry("gru", 4, ("hidden size",), trial(0, 1.0)),
        entry("lstm", 4, ("hidden size",), trial(0, 2.0)),
        seeds=1,
    )
    assert "At equal hidden size rnn 4 and gru 4 tie (1). " in summary(found)
    assert "best" not in summary(found)


def test_one_seed_tells_no_spread() -> None:
    found = results(
        entry("rnn", 4, ("hidden size",), trial(0, 4.0)),
        entry("gru", 4, ("hidden size",), trial(0, 1.0)),
        seeds=1,
    )
    assert "At equal hidden size gru 4 is best (1). " in summary(found)
    assert "One seed gives no spread" in summary(found)


def test_where_all_diverged_it_says_so() -> None:
    found = summary(results(*(entry(cell, 4, ("hidden size",), diverged(0)) for cell in CELLS)))
    assert "At equal hidden size no network has a figure." in found
    assert "beat" not in found


def test_means_are_close_within_the_wider_spread() -> None:
    narrow, wide = Statistic(1.0, 0.1, 3), Statistic(2.0, 1.0, 3)
    assert within_spread(narrow, wide) and within_spread(wide, narrow)
    assert not within_spread(narrow, Statistic(2.0, 0.9, 3))
    assert not within_spread(Statistic(1.0, None, 1), Statistic(2.0, None, 1))


def test_one_that_has_no_rival_is_not_called_best() -> None:
    assert "best" not in summary(results(usual().entries[1]))


def test_baselines_with_the_same_fate_share_a_sentence() -> None:
    found = replace(usual(), baselines={"a": {ERROR: 9.0}, "b": {ERROR: 8.0}})
    assert summary(found).endswith("Every network beats a (9) and b (8).")


def test_a_baseline_that_sees_more_is_not_there_to_be_beaten() -> None:
    ceiling = replace(usual(), headline=Headline(ERROR, "lower", ceilings=("oracle",)))
    assert "oracle" not in summary(ceiling)
    assert "last value" in summary(ceiling)
