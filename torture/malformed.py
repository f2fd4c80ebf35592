"""A flood of malformed messages, and streams beside it that must not notice."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import stepwire
from torture.assault import Assault
from torture.diary import Account, Diary, account, ask
from torture.load import keep_stepping
from torture.package import NAME
from torture.processes import Server, running
from torture.promises import promised
from torture.raw import methods_of
from torture.witness import Witness

_INTERVAL = 0.02
"""Seconds between the steps of a stream beside the flood."""
_ENTRY = re.compile(r"^(?=\d{4}-\d\d-\d\d )", re.MULTILINE)
_OUR_CODE = re.compile(r'File "[^"]*/service/')
_NOT_OURS = ("ExecuteBatchError raised in core", "raised by servicer method [/grpc.")
_BEFORE, _AFTER = 5, 5
"""Steps of a detached stream before and after the flood."""


@dataclass(frozen=True, slots=True)
class Malformed:
    messages: int
    """What was sent: messages of calls, and connections that speak no HTTP/2."""
    statuses: Mapping[str, int]
    """How the calls ended that had nothing sound to say."""
    refused_in_stream: int
    """Steps that were answered by an error of their stream."""
    account: Account
    """Of the streams beside the flood, attached and detached."""
    longest_pause: float
    """Seconds between two answers of a stream beside it."""
    seconds: float


async def flood_with_malformed_messages(
    ground: Path, *, messages: int, streams: int, workers: int = 16, seed: int = 0
) -> Malformed:
    """Sends at least `messages`, beside `streams` that step and as many that are detached.

    No process ends, no error is logged that nobody expected, and no stream is moved by a
    malformed message, neither those beside the flood nor those that get it. Raises
    PromiseBroken.
    """
    witness = Witness(ground / "repository")
    started = time.monotonic()
    # A message may happen to open a stream, which then stays.
    room = str(messages + 1000)
    with running(witness.repository, "--max-streams", room, log=ground / "server.log") as server:
        async with stepwire.connect(server.address) as client:
            sleepers = await _put_to_sleep(client, witness, streams)
            strangers = [stream.id for stream, _ in sleepers]
            methods = await asyncio.to_thread(methods_of, server.address)
            assault = Assault(server.address, methods, witness, strangers)
            over = asyncio.Event()
            async with asyncio.TaskGroup() as beside:
                stepping = beside.create_task(
                    _step_beside(client, witness, range(streams, 2 * streams), over)
                )
                await assault.run(messages, workers=workers, seed=seed)
                over.set()
            bystanders = stepping.result()
            for stream, diary in sleepers:
                await _wake(client, witness, stream, diary)
        check(server)
    done = account(witness, [*(diary for _, diary in sleepers), *bystanders])
    done.hold()
    pause = max(diary.longest_pause for diary in bystanders)
    return Malformed(
        assault.sent,
        dict(assault.statuses.most_common()),
        assault.refused_in_stream,
        done,
        pause,
        time.monotonic() - started,
    )


Sleeper = tuple[stepwire.Stream, Diary]


async def _put_to_sleep(
    client: stepwire.Client, witness: Witness, streams: int
) -> Sequence[Sleeper]:
    """Streams that have made some steps and are detached."""
    sleepers = []
    for number in range(streams):
        stream, diary = client.stream(NAME), Diary(number)
        await stream.open()
        for step in range(_BEFORE):
            await ask(stream, witness, diary, step)
        await stream.detach()
        sleepers.append((stream, diary))
    return sleepers


async def _wake(
    client: stepwire.Client, witness: Witness, sleeper: stepwire.Stream, diary: Diary
) -> None:
    async with client.stream(
        NAME, stream_id=sleeper.id, token=sleeper.token, mode="resume"
    ) as stream:
        promised(
            stream.next_step == _BEFORE,
            f"a detached stream went from step {_BEFORE} to step {stream.next_step}",
        )
        for step in range(_BEFORE, _BEFORE + _AFTER):
            await ask(stream, witness, diary, step)


async def _step_beside(
    client: stepwire.Client, witness: Witness, numbers: range, over: asyncio.Event
) -> list[Diary]:
    diaries = [Diary(number) for number in numbers]
    async with AsyncExitStack() as open_streams, asyncio.TaskGroup() as tasks:
        for diary in diaries:
            stream = await open_streams.enter_async_context(client.stream(NAME))
            tasks.create_task(keep_stepping(stream, witness, diary, until=over, interval=_INTERVAL))
    return diaries


def check(server: Server) -> None:
    """Raises PromiseBroken if the process ended, or met an error that nobody expected."""
    promised(server.process.poll() is None, f"the server ended:\n{server.log[-2000:]}")
    unexpected = [entry for entry in _ENTRY.split(server.log) if _is_ours(entry)]
    promised(not unexpected, f"the server met an error that nobody expected: {unexpected[:1]}")


def _is_ours(entry: str) -> bool:
    """Whether an entry of the log tells of an error in the service's code.

    gRPC writes tracebacks of its own: of its own RPCs, and where it cannot answer a peer that
    has gone.
    """
    return bool(_OUR_CODE.search(entry)) and not any(words in entry for words in _NOT_OURS)
