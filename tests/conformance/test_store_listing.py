"""What every state store lists."""

from __future__ import annotations

from service.checkpoint.store import Listed, Store
from service.core.streams import StreamKey
from tests.stores import A, record, write


async def test_a_listing_tells_what_a_stream_is(store: Store) -> None:
    await store.write([write("a", record(1, "p", 3)), write("b", record(1, "p", 0, released=True))])
    assert await store.list("", "", 10) == [
        Listed(A, "gru", 3, 3, False),
        Listed(StreamKey("", "b"), "gru", 3, 0, True),
    ]


async def test_a_listing_goes_on_page_by_page_in_the_order_of_bytes(store: Store) -> None:
    ids = ["-", ".", ":", "A", "Z.1", "Z:1", "_", "a", "a-b", "a.b", "a:b", "a_b", "aa", "b"]
    assert ids == ["-", ".", ":", "A", "Z.1", "Z:1", "_", *sorted(ids[7:])]
    await store.write([write(id_, record(1, "p", 1)) for id_ in reversed(ids)])
    seen: list[str] = []
    while page := await store.list("", seen[-1] if seen else "", 5):
        assert len(page) <= 5
        seen += [listed.key.id for listed in page]
    assert seen == ids
    assert await store.list("", "", 0) == []
    assert [listed.key.id for listed in await store.list("", "a:", 2)] == ["a:b", "a_b"]


async def test_a_listing_leaves_ended_streams_out_and_takes_them_back(store: Store) -> None:
    await store.write([write(id_, record(1, "p", 3)) for id_ in "abc"])
    await store.write([write(id_, record(1, "p", None)) for id_ in "ab"])
    await store.write([write("b", record(2, "p", 0))])
    assert [listed.key.id for listed in await store.list("", "", 2)] == ["b", "c"]


async def test_namespaces_do_not_mix(store: Store) -> None:
    names = ["", "a", "a:b", "a.b", "a/b", "b:a", "stream:a", "ü"]
    ids = ["a", "b", "a:b", "a.b", "b:a", "a:b:c"]
    keys = [(namespace, id_) for namespace in names for id_ in ids]
    for number, (namespace, id_) in enumerate(keys):
        assert await store.create(write(id_, record(1, "p", number), namespace=namespace))
    for number, key in enumerate(keys):
        assert await store.read(StreamKey(*key)) == record(1, "p", number)
    for namespace in names:
        listed = await store.list(namespace, "", 100)
        assert [one.key for one in listed] == [StreamKey(namespace, id_) for id_ in sorted(ids)]
    assert await store.list("nobody", "", 100) == []
