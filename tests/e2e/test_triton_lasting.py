"""What becomes of sequences when calls, clients and servers end."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests import graphs
from tests.e2e.adding import add, told, totals
from tests.e2e.deployed import ACCUMULATOR, serving
from tests.replicas import until
from tests.triton_client import WAYS, answers
from torture.processes import Reborn, Server
from torture.triton_client import TritonClient


def test_a_sequence_outlives_calls_and_clients(triton: TritonClient, server: Server) -> None:
    found = []
    for place, way in enumerate(WAYS):
        found += totals(triton, server, way, add("wandering", 1, start=place == 0))
    found += totals(triton, server, WAYS[0], add("wandering", 1, end=True))
    assert found == [1, 2, 3, 4, 5]


async def test_a_sequence_that_nobody_asks_for_expires(
    triton: TritonClient, tmp_path: Path
) -> None:
    graphs.put(tmp_path / "repository", "accumulator", ACCUMULATOR)
    unary = ("sync", "unary")
    with serving(tmp_path / "repository", "--sequence-idle", "0.05") as server:
        assert totals(triton, server, unary, add("left", 1, start=True)) == [1]
        await until(lambda: "accumulator/string/left expired" in server.log)
        found = totals(triton, server, unary, add("left", 1))
    assert "sequence_start" in found[0]


async def test_a_sequence_goes_on_where_its_server_stopped_and_not_where_it_crashed(
    triton: TritonClient, tmp_path: Path
) -> None:
    """Without numbers nobody could tell which timesteps a crash has lost."""
    graphs.put(tmp_path / "repository", "accumulator", ACCUMULATOR)
    store = ("--store", f"sqlite:{tmp_path / 'streams.db'}")
    way = ("sync", "unary")

    async def sent(*steps: dict[str, Any]) -> list[Any]:
        return told(await asyncio.to_thread(answers, triton, server.address, way, steps))

    with Reborn(tmp_path / "repository", *store, log=tmp_path / "log") as server:
        numbered = [add("numbered", x, start=x == 1, number=x - 1) for x in (1, 2)]
        assert await sent(add(7, 1, start=True), add(7, 2), *numbered) == [1, 3, 1, 3]
        await server.restart()
        assert await sent(add(7, 3), add("numbered", 3, number=2)) == [6, 6]
        await server.crash()
        lost, *again = await sent(add(7, 4), add(7, 4, start=True), add("numbered", 2, number=1))
        assert "sequence_start" in lost
        assert again == [4, 3]  # what had run before the crash is answered as it was
