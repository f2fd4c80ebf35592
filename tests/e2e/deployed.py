"""Servers whose repository changes while they run."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc

from stepwire.v1 import repository_pb2_grpc as pb_grpc
from tests import graphs
from torture.processes import Server, running

ACCUMULATOR = graphs.accumulator_package()
GRU = graphs.package(*graphs.recurrent("GRU", inputs=4, hidden=32))


def put_models(root: Path) -> Path:
    """Version 1 of an accumulator and of a GRU."""
    graphs.put(root, "accumulator", ACCUMULATOR)
    graphs.put(root, "gru", GRU)
    return root


@contextlib.contextmanager
def serving(root: Path, *flags: str) -> Iterator[Server]:
    with running(root, *flags, log=root.parent / "server.log") as server:
        yield server


@contextlib.asynccontextmanager
async def models(address: str) -> AsyncIterator[pb_grpc.ModelRepositoryAsyncStub]:
    async with grpc.aio.insecure_channel(address) as channel:
        stub: pb_grpc.ModelRepositoryAsyncStub = pb_grpc.ModelRepositoryStub(channel)
        yield stub
