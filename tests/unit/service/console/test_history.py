from __future__ import annotations

from service.console.counted import Counted
from service.console.history import History
from service.console.view import View
from tests.unit.service.console.made import GRU, LSTM, look, view


def test_the_rate_of_an_interval_is_what_came_in_it() -> None:
    history = History()
    for at, ran in ((0.0, 100), (1.0, 150), (3.0, 350)):
        history.add(look(at, one=view(ran)))
    assert history.rates() == [{GRU: 50.0}, {GRU: 100.0}]


def test_processes_add_up() -> None:
    history = History()
    history.add(look(0.0, one=view(1), two=view(2)))
    history.add(look(1.0, one=view(11), two=view(22)))
    assert history.rates() == [{GRU: 30.0}]


def test_models_are_kept_apart() -> None:
    history = History()
    history.add(look(0.0, one=view(1), two=view(2, LSTM)))
    history.add(look(1.0, one=view(3), two=view(2, LSTM)))
    history.add(look(2.0, one=view(3), two=view(9, LSTM)))
    assert history.rates() == [{GRU: 2.0}, {LSTM: 7.0}]


def test_a_process_that_dies_leaves_no_gap_and_its_counts() -> None:
    history = History()
    history.add(look(0.0, one=view(1000), two=view(10)))
    after = look(1.0, two=view(30), three=view(5))
    history.add(after)
    assert history.rates() == [{GRU: 25.0}]
    assert history.totals(after) == {GRU: Counted(ran=1035)}


def test_recent_is_what_came_in_the_span() -> None:
    history = History()
    for second in range(20):
        history.add(look(float(second), one=view(10 * second)))
    recent = history.recent(look(19.5, one=view(195)), 2.0)
    assert recent.seconds == 2.5
    assert recent.models[GRU].ran == 25


def test_recent_is_as_far_as_is_known() -> None:
    history = History()
    now = look(5.0, one=view(70))
    assert history.recent(now, 10.0).models == {}
    history.add(look(4.0, one=view(50)))
    recent = history.recent(now, 10.0)
    assert (recent.seconds, recent.models[GRU].ran) == (1.0, 20)


def test_only_minutes_are_kept() -> None:
    history = History()
    for second in range(400):
        history.add(look(float(second), one=View()))
    assert len(history.rates()) == 300
