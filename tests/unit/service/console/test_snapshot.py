from __future__ import annotations

import json
from dataclasses import replace

from service.console.counted import Counted
from service.console.history import History, Look
from service.console.snapshot import Json, Service, snapshot_of
from service.console.view import ModelView, Query, Scope, View
from service.core.histogram import SECONDS, SIZES
from tests.unit.service.console.made import GRU, LSTM, line, listing, look, stream, view

SERVICE = Service("0.1.0", 60.0, True, "serving", None, {})


def told(*looks: Look, query: Query | None = None) -> Json:
    """Of the last look, as the page reads it."""
    history = History()
    for each in looks[:-1]:
        history.add(each)
    found: Json = json.loads(
        json.dumps(snapshot_of(SERVICE, history, looks[-1], query or Query()), allow_nan=False)
    )
    return found


def two_models(ran: int) -> View:
    return View(
        (
            ModelView(GRU, 2, Counted(ran=ran, late=1, batches=ran // 2)),
            ModelView(LSTM, 0, Counted(ran=7)),
        )
    )


def test_models_have_rates_and_means() -> None:
    found = told(look(0.0, one=two_models(100)), look(2.0, one=two_models(300)))
    gru, lstm = found["models"]
    assert (gru["name"], gru["streams"], gru["rate"], gru["batch"]) == ("gru/3", 2, 100.0, 2.0)
    assert (lstm["name"], lstm["rate"], lstm["batch"]) == ("lstm/1", 0.0, None)
    assert lstm["queue"] == {"p50": None, "p99": None}
    assert found["totals"]["ran"] == 307
    assert found["totals"]["late"] == 1


def test_a_version_that_has_left_service_counts_in_the_totals_alone() -> None:
    past = View((ModelView(GRU, 0, Counted(ran=300), serves=False), ModelView(LSTM, 0, Counted())))
    found = told(look(0.0, one=two_models(100)), *(look(at, one=past) for at in (1.0, 2.0)))
    assert [model["name"] for model in found["models"]] == ["lstm/1"]
    assert found["totals"]["ran"] == 300
    assert found["rates"]["values"] == [200.0]


def test_percentiles_and_histograms_are_of_the_last_seconds() -> None:
    def timed(fast: int, slow: int) -> View:
        buckets = [0] * (len(SECONDS) + 1)
        buckets[0], buckets[9] = fast, slow
        sizes = (fast + slow,) + (0,) * len(SIZES)
        counted = Counted(ran=fast + slow, sizes=sizes, queue=tuple(buckets))
        return View((ModelView(GRU, 1, counted),))

    found = told(look(0.0, one=timed(1000, 0)), look(1.0, one=timed(1001, 99)))
    assert found["models"][0]["queue"]["p50"] > SECONDS[8]
    histograms = found["histograms"]
    assert histograms["queue"]["counts"][0] == 1
    assert histograms["queue"]["counts"][9] == 99
    assert histograms["sizes"]["counts"][0] == 100
    assert histograms["queue"]["bounds"] == list(SECONDS)
    assert len(histograms["compute"]["counts"]) == len(SECONDS) + 1
    assert len(histograms["write"]["counts"]) == len(SECONDS) + 1


def test_one_model_may_be_asked_for_and_all_are_listed() -> None:
    query = Query(Scope(model="lstm/1"))
    found = told(look(0.0, one=two_models(0)), look(1.0, one=two_models(50)), query=query)
    assert len(found["models"]) == 2
    assert found["totals"]["ran"] == 7


def test_models_out_of_scope_are_not_told_of_in_any_figure() -> None:
    query = Query(Scope(patterns=("lstm",)))
    looks = [look(float(at), one=two_models(50 * at)) for at in range(3)]
    found = told(*looks, query=query)
    assert [model["name"] for model in found["models"]] == ["lstm/1"]
    assert found["totals"]["ran"] == 7
    assert found["rates"]["values"] == [0.0]
    assert "gru" not in json.dumps(found)


def test_rates_are_summed_over_models_and_workers() -> None:
    looks = [look(float(at), a=two_models(50 * at), b=two_models(10 * at)) for at in range(4)]
    assert told(*looks)["rates"]["values"] == [60.0, 60.0]


def test_streams_and_the_line_are_told() -> None:
    one = replace(view(), listing=listing(stream("robot", 9, 4.5)), line=line(7, 8))
    found = told(look(0.0, one=one), query=Query(limit=5))
    assert found["streams"]["rows"] == [
        {
            "namespace": "",
            "id": "robot",
            "model": "gru/3",
            "next_step": 9,
            "rate": 4.5,
            "idle": None,
            "attached": True,
            "worker": "",
        }
    ]
    assert found["line"]["steps"] == [7, 8]
    assert found["line"]["values"] == [[7.0, 8.0]]
    assert found["line"]["next_step"] == 9


def test_the_service_is_told_of() -> None:
    found = told(look(0.0))
    assert found["service"]["reason"] == "serving"
    assert found["line"] is None
    assert found["models"] == []
