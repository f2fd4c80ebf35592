from __future__ import annotations

import pytest

from service.repository.foreign.pairing import Match, match, words


@pytest.mark.parametrize(
    ("state", "renewed"),
    [
        ("h", "h_next"),
        ("h", "h_new"),
        ("h", "new_h"),
        ("h", "next_h"),
        ("h", "h_out"),
        ("h", "h1"),
        ("h", "hn"),
        ("h", "h'"),
        ("h0", "hn"),
        ("h_0", "h_n"),
        ("h_prev", "h"),
        ("h_tm1", "h_t"),
        ("state", "stateN"),
        ("past.0.key", "present.0.key"),
        ("h_in:0", "h_out:0"),
        ("h_0", "h_n_0"),
        ("cached_len_0", "new_cached_len_0"),
        ("oldState", "newState"),
        ("sum", "sum_next"),
    ],
)
def test_names_that_differ_by_a_mark_of_age_are_a_pair(state: str, renewed: str) -> None:
    assert match(state, renewed) is Match.SURE


@pytest.mark.parametrize(
    ("state", "renewed"), [("x_in", "x_out"), ("audio", "audio1"), ("sum_in", "sum_out")]
)
def test_marks_that_inputs_and_outputs_bear_too_are_in_doubt(state: str, renewed: str) -> None:
    assert match(state, renewed) is Match.MAYBE


@pytest.mark.parametrize(
    ("state", "renewed"),
    [
        ("h", "c_next"),
        ("h_0", "c_n"),
        ("h1", "h0_next"),
        ("h_1", "h_2"),
        ("h_1", "h_n_0"),
        ("past.0.key", "present.1.key"),
        ("x", "y"),
        ("input", "output"),
        ("x", "x_hat"),
        ("hä", "hö_next"),
        ("in", "out"),
    ],
)
def test_other_names_are_no_pair(state: str, renewed: str) -> None:
    assert match(state, renewed) is Match.NONE


def test_names_are_split_at_signs_capitals_digits_and_a_glued_n() -> None:
    assert words("rnn/newState.0") == ("rnn", "new", "state", "0")
    assert words("hn") == ("h", "n")
    assert words("LSTM_cell2") == ("lstm", "cell", "2")
