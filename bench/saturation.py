"""A load beside which something else is measured: a process of its own, behind it in rank.

`python -m bench.saturation ADDRESS MODEL STREAMS` keeps a model of the benchmark busy, says so,
and at the end of stdin prints how many steps a second were answered.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import uvloop

from bench import conversations
from bench.load import LoadFailed, loaded, summary
from bench.package import LARGE, LAYERED, SMALL, Network
from bench.process import ServerFailed, pinned_to

_READY = "saturation: ready"
_NICE = 10
"""What is measured on the same core goes first."""
_STEPS = 100_000
"""That each stream is prepared for."""


class Saturation:
    """From when it is made until it is stopped, streams of a model step as fast as they can."""

    def __init__(self, address: str, network: Network, streams: int, *, core: int, log: Path):
        self._log = log
        with log.open("wb") as errors, pinned_to(core):
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bench.saturation", address, network.name, str(streams)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )
        assert self._process.stdout
        if self._process.stdout.readline().strip() != _READY:
            self._process.kill()
            self._process.communicate()
            raise ServerFailed(f"bench.saturation did not start:\n{log.read_text()[-2000:]}")

    def stop(self) -> float:
        """Steps answered per second. Raises LoadFailed."""
        told, _ = self._process.communicate()
        if self._process.returncode:
            raise LoadFailed(f"bench.saturation failed:\n{self._log.read_text()[-2000:]}")
        return float(told)


async def _run(address: str, network: Network, streams: int) -> float:
    talk = conversations.with_service(network, steps=_STEPS)
    async with loaded(address, talk, streams=streams) as load:
        first = load.mark(time.process_time())
        print(_READY, flush=True)
        await asyncio.to_thread(sys.stdin.read)
        last = load.mark(time.process_time())
    return summary(load, first, last).rate


if __name__ == "__main__":
    os.nice(_NICE)
    networks = {network.name: network for network in (SMALL, LAYERED, LARGE)}
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(runner.run(_run(sys.argv[1], networks[sys.argv[2]], int(sys.argv[3]))))
