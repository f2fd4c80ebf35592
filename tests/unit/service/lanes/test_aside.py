from __future__ import annotations

import asyncio
import os
import threading

from service.lanes.aside import Aside

LAST = 19
"""The niceness of Linux that everything else goes before."""


async def test_work_is_done_in_another_thread_and_its_end_told_on_the_loop() -> None:
    aside, told = Aside(), asyncio.Event()
    threads: list[threading.Thread] = []

    def done() -> None:
        threads.append(threading.current_thread())
        told.set()

    aside.run(lambda: threads.append(threading.current_thread()), done)
    await told.wait()
    assert threads[0] is not threading.main_thread()
    assert threads[1] is threading.main_thread()
    await aside.close()


async def test_no_run_is_long_before_the_way_is_measured_and_long_ones_are_then() -> None:
    aside = Aside()
    assert not aside.takes(1e9)
    await aside.measure()
    assert aside.takes(1e9)
    assert not aside.takes(0.0)
    await aside.close()


async def test_what_is_told_to_be_long_stays_so() -> None:
    aside = Aside(worth=0.5)
    await aside.measure()
    assert aside.takes(0.5)
    assert not aside.takes(0.4)
    await aside.close()


async def test_closing_waits_for_what_is_under_way() -> None:
    aside, started, may_end = Aside(), threading.Event(), threading.Event()
    ended: list[bool] = []

    def work() -> None:
        started.set()
        may_end.wait()
        ended.append(True)

    aside.run(work, lambda: None)
    await asyncio.to_thread(started.wait)
    closing = asyncio.create_task(aside.close())
    await asyncio.sleep(0)
    assert not closing.done()
    may_end.set()
    await closing
    assert ended


async def test_its_threads_stand_last_and_the_loop_where_it_stood() -> None:
    aside, told = Aside(), asyncio.Event()
    before, nice = os.getpriority(os.PRIO_PROCESS, 0), list[int]()
    aside.run(
        lambda: nice.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id())), told.set
    )
    await told.wait()
    assert nice == [LAST]
    assert os.getpriority(os.PRIO_PROCESS, 0) == before
    await aside.close()
