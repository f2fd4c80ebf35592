from __future__ import annotations

from service.console import together
from service.console.view import Query, Sort
from tests.unit.service.console.made import line, listing, stream, view


def ids(query: Query) -> list[str]:
    views = {
        "1": view(listing=listing(stream("a", 5, 2.0), stream("d", 9, None))),
        "2": view(listing=listing(stream("b", 7, 3.0), stream("c", 1, 1.0))),
    }
    return [each.key.id for each in together.listing(views, query).streams]


def test_streams_of_all_workers_are_in_one_order() -> None:
    assert ids(Query(limit=10)) == ["a", "b", "c", "d"]
    assert ids(Query(limit=10, sort=Sort.STEP, descending=True)) == ["d", "b", "a", "c"]


def test_what_is_not_known_comes_last_in_either_direction() -> None:
    assert ids(Query(limit=10, sort=Sort.RATE)) == ["c", "a", "b", "d"]
    assert ids(Query(limit=10, sort=Sort.RATE, descending=True)) == ["b", "a", "c", "d"]


def test_no_more_are_listed_than_asked_for_and_all_are_counted() -> None:
    views = {name: view(listing=listing(stream(name), stream(name * 2))) for name in "ab"}
    told = together.listing(views, Query(limit=3))
    assert [each.key.id for each in told.streams] == ["a", "aa", "b"]
    assert (told.matched, told.attached, told.detached) == (4, 4, 0)


def test_each_stream_says_which_worker_has_it() -> None:
    views = {"1": view(listing=listing(stream("a"))), "2": view(listing=listing(stream("b")))}
    told = together.listing(views, Query(limit=9)).streams
    assert [each.worker for each in told] == ["1", "2"]
    alone = together.listing({"": views["1"]}, Query(limit=9)).streams
    assert [each.worker for each in alone] == [""]


def test_a_line_comes_from_who_has_the_stream_or_has_it_further() -> None:
    assert together.line({"1": view(), "2": view()}) is None
    assert together.line({"1": view(), "2": view(line=line(1, 2))}) == line(1, 2)
    assert together.line({"1": view(line=line(1)), "2": view(line=line(2))}) == line(2)
