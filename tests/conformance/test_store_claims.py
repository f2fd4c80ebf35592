"""How one process asks another for a stream, in every state store."""

from __future__ import annotations

import pytest

from service.checkpoint.store import Record, Store
from service.core.streams import Fence, StreamKey
from tests.stores import A, record, write


async def test_claims_reach_the_owner(store: Store, other: Store) -> None:
    await store.write([write(id_, record(1, "p", 3)) for id_ in "abc"])
    await store.write([write("a", record(1, "p", 3), namespace="x:y.z")])
    await store.write([write("d", record(1, "q", 3))])
    assert await store.claimed("p") == []
    for key in (A, StreamKey("", "c"), StreamKey("", "d"), StreamKey("x:y.z", "a"), A):
        await other.claim(key, "r")
    assert sorted(await store.claimed("p")) == [A, StreamKey("", "c"), StreamKey("x:y.z", "a")]
    assert await store.claimed("q") == [StreamKey("", "d")]
    assert await store.claimed("r") == []
    assert await store.read(A) == record(1, "p", 3)


async def test_a_claim_stays_while_its_owner_writes_on(store: Store) -> None:
    await store.write([write("a", record(1, "p", 3))])
    await store.claim(A, "q")
    await store.write([write("a", record(1, "p", 4))])
    assert await store.claimed("p") == [A]


@pytest.mark.parametrize(
    "answer",
    [record(1, "p", 3, released=True), record(1, "p", None), record(2, "p", 3), record(1, "r", 0)],
)
async def test_a_claim_ends_with_a_release_an_end_or_another_fence(
    store: Store, answer: Record
) -> None:
    await store.write([write("a", record(1, "p", 3))])
    await store.claim(A, "q")
    assert await store.write([write("a", answer)]) == [True]
    assert await store.claimed("p") == []
    # Nor does it come back with the next writes.
    await store.write([write("a", record(3, "p", 0))])
    assert await store.claimed("p") == []
    assert await store.claimed("r") == []


async def test_a_refused_write_leaves_the_claim(store: Store) -> None:
    await store.write([write("a", record(2, "p", 3))])
    await store.claim(A, "q")
    assert await store.write([write("a", record(1, "p", 9, released=True))]) == [False]
    assert await store.claimed("p") == [A]


async def test_a_claim_ends_when_the_stream_is_taken(store: Store) -> None:
    await store.write([write("a", record(1, "p", 3))])
    await store.claim(A, "q")
    await store.take(A, Fence(1, "p"), "q")
    assert await store.claimed("p") == []
    assert await store.claimed("q") == []


@pytest.mark.parametrize("kept", [None, record(1, "p", None), record(1, "p", 3, released=True)])
async def test_what_nobody_has_is_not_claimed(store: Store, kept: Record | None) -> None:
    if kept:
        await store.write([write("a", kept)])
    await store.claim(A, "q")
    assert await store.claimed("p") == []
    await store.write([write("a", record(1, "p", None if kept and not kept.checkpoint else 3))])
    assert await store.claimed("p") == []
