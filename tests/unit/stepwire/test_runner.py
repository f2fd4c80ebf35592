from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from stepwire.errors import StreamClosed
from stepwire.runner import Runner

IN_A_CHILD = """
import os
from stepwire.runner import Runner

async def answer():
    return 42

before = Runner().run(answer())
child = os.fork()
if not child:
    os._exit(Runner().run(answer()))
print(before, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


async def thread() -> threading.Thread:
    return threading.current_thread()


async def failing() -> None:
    raise ValueError("odd")


def test_work_is_done_on_one_thread_whoever_asks() -> None:
    one, other = Runner(), Runner()
    found = one.run(thread())
    assert found is one.run(thread()) is other.run(thread())
    assert found is not threading.current_thread()


def test_what_the_work_raises_reaches_who_asked_and_the_next_work_is_done() -> None:
    runner = Runner()
    with pytest.raises(ValueError, match="odd"):
        runner.run(failing())
    assert runner.run(asyncio.sleep(0, "done")) == "done"


def test_a_runner_that_was_stopped_begins_nothing_and_leaves_the_others_alone() -> None:
    stopped, other = Runner(), Runner()
    stopped.stop()
    with pytest.raises(StreamClosed, match="connect again"):
        stopped.run(failing())
    assert other.run(asyncio.sleep(0, "done")) == "done"


def test_the_child_of_a_fork_has_a_thread_of_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IN_A_CHILD], capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("42 42\n", "")
