"""Clients that send as fast as they may and read no answer: they are held back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import stepwire
from stepwire.v1 import stream_pb2 as pb
from torture.deaf import DeafClient
from torture.diary import Account, account
from torture.load import Load, Manner
from torture.memory import Memory
from torture.package import FEATURES, NAME
from torture.processes import running
from torture.promises import promised
from torture.raw import STREAM
from torture.witness import Witness

_BESIDE = (Manner(interval=0.02),) * 4
_NO_ROOM = 2.0
"""Seconds without room to send after which a client is held back."""
_LATER, _PATIENCE = 5, 30.0


@dataclass(frozen=True, slots=True)
class Flood:
    clients: int
    most_sent: int
    """Steps that one of them could send before it was held back."""
    grown_bytes: int
    """How far the server's resident memory rose."""
    account: Account
    """Of the streams beside the flood."""
    longest_pause: float
    """Seconds between two answers of a stream beside it."""
    seconds: float


async def flood_and_read_nothing(
    ground: Path, *, clients: int, messages: int, most_grown: int
) -> Flood:
    """Each client would send so many `messages`; none may, and memory stays within bounds.

    Raises PromiseBroken, also where memory grows by more than `most_grown` bytes.
    """
    witness = Witness(ground / "repository", hidden=8)
    steps = [
        pb.StreamRequest(step=pb.Step(step=step, inputs=[bytes(4 * FEATURES)])).SerializeToString()
        for step in range(messages)
    ]
    started = time.monotonic()
    with running(witness.repository, log=ground / "server.log") as server:
        memory = Memory(server.process.pid)
        async with stepwire.connect(server.address) as client, asyncio.TaskGroup() as tasks:
            beside = Load(client, witness, _BESIDE)
            await beside.open()
            tasks.create_task(beside.run())
            await beside.progress(_LATER, _PATIENCE)
            watching = tasks.create_task(memory.watch(lambda: 1.0))
            most_sent = await _flood(server.port, clients, steps)
            await beside.progress(_LATER, _PATIENCE)
            watching.cancel()
            beside.stop()
    done = account(witness, beside.diaries)
    done.hold()
    grown = memory.peak - memory.first
    promised(grown <= most_grown, f"{clients} clients that read nothing took {grown} bytes")
    seconds = time.monotonic() - started
    return Flood(clients, most_sent, grown, done, beside.longest_pause, seconds)


async def _flood(port: int, clients: int, steps: Sequence[bytes]) -> int:
    """The most that one client could send. Raises PromiseBroken if it was everything."""
    opening = pb.StreamRequest(open=pb.Open(model=NAME)).SerializeToString()
    deaf = [DeafClient(STREAM, opening) for _ in range(clients)]
    held = await asyncio.gather(*(each.flood(port, steps, no_room=_NO_ROOM) for each in deaf))
    promised(
        all(held), f"of {clients} clients that read nothing {held.count(False)} could send all"
    )
    return max(each.sent for each in deaf)
