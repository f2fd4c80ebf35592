from __future__ import annotations

from service.operations.orders import ModelState, Outcome, Standing
from service.operations.outcomes import combined


def state(standing: Standing = Standing.SERVING, reason: str = "", streams: int = 0) -> ModelState:
    digest = "5e" if standing in (Standing.SERVING, Standing.DRAINING) else ""
    return ModelState("gru", 3, standing, reason, streams, digest)


def test_one_process_speaks_for_itself() -> None:
    outcome = Outcome((state(streams=2),), moved=2, notes=("gru/2 keeps its streams (3)",))
    assert combined([outcome]) == outcome
    failed = Outcome(error="MODEL_REFUSED", message="off by 0.1")
    assert combined([failed]) == failed


def test_streams_of_all_workers_are_added_up() -> None:
    first = Outcome((state(streams=2),), moved=2, worker="1")
    note = "gru/2 keeps its streams (5)"
    second = Outcome((state(streams=5),), moved=1, notes=(note,), worker="2")
    told = combined([first, second])
    assert told.models == (state(streams=7),)
    assert (told.moved, told.notes) == (3, (f"worker 2: {note}",))


def test_where_workers_differ_the_worst_is_told_and_who_has_what() -> None:
    serving = Outcome((state(streams=2),), worker="1")
    refused = Outcome((state(Standing.REFUSED, "out of memory"),), worker="2")
    (told,) = combined([serving, refused]).models
    assert (told.standing, told.streams, told.digest) == (Standing.REFUSED, 2, "5e")
    assert told.reason == "worker 1: serving; worker 2: refused, out of memory"


def test_a_version_drains_until_it_has_left_every_worker() -> None:
    gone = Outcome((state(Standing.NOT_LOADED),), worker="1")
    draining = Outcome((state(Standing.DRAINING, streams=1),), worker="2")
    (told,) = combined([gone, draining]).models
    assert (told.standing, told.streams) == (Standing.DRAINING, 1)


def test_an_order_that_failed_in_one_worker_has_failed_and_says_where() -> None:
    failed = Outcome(error="MODEL_REFUSED", message="out of memory", worker="2")
    told = combined([Outcome((state(),), worker="1"), failed])
    assert (told.error, told.message) == ("MODEL_REFUSED", "worker 2: out of memory")
