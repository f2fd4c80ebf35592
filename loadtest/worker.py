"""One of the processes that make the load; the parent tells it what to do."""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any, TypeVar

import grpc

from loadtest.account import Account
from loadtest.load import Target
from loadtest.orders import Begin, Done, Order, Prepare, Ready, Refused, Report, Tick
from loadtest.run import Run
from loadtest.talkers.choice import Talkers, talkers
from loadtest.talkers.talker import Served
from stepwire.channel import open_channel
from stepwire.errors import StepwireError

T = TypeVar("T")

_TICK = 0.25
"""Seconds."""
_MESSAGE_BYTES = 64 * 2**20


def work(connection: Connection, target: Target, timed: bool) -> None:
    """Obeys until the parent hangs up. `timed`: steps are due at times, not after one another."""
    with asyncio.Runner(loop_factory=precise_loop if timed else fast_loop) as runner:
        runner.run(_Worker(connection, target).obey())


def precise_loop() -> asyncio.AbstractEventLoop:
    """One whose timers are as fine as the system's.

    epoll counts milliseconds, and so do asyncio and uvloop over it: steps would be sent up to one
    late. select counts microseconds; it knows few descriptors, and this process has few.
    """
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


def fast_loop() -> asyncio.AbstractEventLoop:
    """One whose timers nothing depends on: uvloop where it is installed."""
    try:
        import uvloop
    except ModuleNotFoundError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


class _Worker:
    def __init__(self, connection: Connection, target: Target) -> None:
        self._connection = connection
        self._target = target
        self._orders: asyncio.Queue[Order | None] = asyncio.Queue()
        self._alone = asyncio.Event()
        """The parent has hung up."""

    async def obey(self) -> None:
        asyncio.get_running_loop().add_reader(self._connection.fileno(), self._hear)
        while True:
            order = await self._orders.get()
            if order is None:
                return
            if isinstance(order, Prepare):
                await self._carry_out(order)

    def _hear(self) -> None:
        try:
            order: Order = self._connection.recv()
        except (EOFError, OSError):
            asyncio.get_running_loop().remove_reader(self._connection.fileno())
            self._orders.put_nowait(None)
            self._alone.set()
        else:
            self._orders.put_nowait(order)

    def _tell(self, report: Report) -> None:
        with suppress(OSError):  # a parent that is gone is heard of by `_hear`
            self._connection.send(report)

    async def _carry_out(self, order: Prepare) -> None:
        account = Account(order.load.interval, order.load.duration)
        run = Run(order.load, order.streams, account)
        async with AsyncExitStack() as stack:
            try:
                opened = await self._unless_alone(
                    stack.enter_async_context(self._opened(order, run))
                )
            except StepwireError as error:
                self._tell(Refused(str(error)))
                return
            if opened is None:
                return
            talker, served = opened
            self._tell(Ready(served))
            begin = await self._orders.get()
            if not isinstance(begin, Begin):
                await talker.close()
                self._tell(Done())
                return
            busy = await self._paced(run, talker, begin.at, account)
        self._tell(Done(account.take(), busy))

    async def _unless_alone(self, work: Coroutine[Any, Any, T]) -> T | None:
        """What it comes to; None: the parent hung up before, and it was cancelled."""
        task, alone = asyncio.create_task(work), asyncio.create_task(self._alone.wait())
        await asyncio.wait([task, alone], return_when=asyncio.FIRST_COMPLETED)
        alone.cancel()
        if task.done():
            return task.result()
        task.cancel()
        await asyncio.wait([task])
        return None

    @asynccontextmanager
    async def _opened(self, order: Prepare, run: Run) -> AsyncIterator[tuple[Talkers, Served]]:
        """Raises a StepwireError."""
        async with AsyncExitStack() as stack:
            channels: list[grpc.aio.Channel] = []
            for _ in range(self._target.connections):
                channel = open_channel(self._target.address, self._target.security, _MESSAGE_BYTES)
                channels.append(await stack.enter_async_context(channel))
            metadata = self._target.security.metadata()
            talker = await talkers(channels, metadata, order.load, order.streams, run)
            try:
                served = await talker.open()
            except BaseExceptionGroup as failures:
                await talker.close()
                raise _first(failures) from failures
            except asyncio.CancelledError:
                await talker.close()
                raise
            yield talker, served

    async def _paced(self, run: Run, talker: Talkers, zero: float, account: Account) -> float:
        """Returns the share of a core that it took."""
        began, spent = time.monotonic(), time.process_time()
        pacing = asyncio.create_task(run.pace(talker, zero))
        listening = asyncio.create_task(self._stopped(run))
        try:
            while not (await asyncio.wait([pacing], timeout=_TICK))[0]:
                self._tell(Tick(account.take()))
            await pacing
        finally:
            pacing.cancel()
            listening.cancel()
        return (time.process_time() - spent) / (time.monotonic() - began)

    async def _stopped(self, run: Run) -> None:
        order = await self._orders.get()
        if order is None:
            self._orders.put_nowait(None)
        run.stop()


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
