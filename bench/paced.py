"""An open loop: one stream whose steps are due at fixed times, whether or not answers have come.

Threads send and receive, since the timers of an event loop are a millisecond coarse.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import grpc
import numpy as np

from bench.load import Conversation, LoadFailed, Round

_SPARE = 30.0
"""Seconds that a call may take beyond the time of its steps."""


def paced_round(
    address: str,
    conversation: Conversation,
    cpu_seconds: Callable[[], float],
    *,
    rate_hz: float,
    warm_up: float,
    seconds: float,
) -> Round:
    """Round trips are counted from when each step was due. Raises LoadFailed.

    The CPU is all that the server has spent meanwhile, on other streams too, per step of this one.
    """
    skipped, last = round(warm_up * rate_hz), round((warm_up + seconds) * rate_hz)
    stream = _Stream(conversation, rate_hz, last)
    marks = []
    with grpc.insecure_channel(address) as channel:
        begin: grpc.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(
            conversation.method
        )
        answers = begin(stream.messages(), timeout=warm_up + seconds + _SPARE)
        try:
            next(answers)
            stream.opened.set()
            for step in range(last):
                if step == skipped:
                    marks.append((time.perf_counter(), cpu_seconds()))
                answer = _answer(answers, conversation)
                stream.latencies.append(time.perf_counter() - stream.due(step))
            marks.append((time.perf_counter(), cpu_seconds()))
        except (grpc.RpcError, StopIteration) as error:
            raise LoadFailed(f"the server ended the paced call: {error}") from error
        finally:
            stream.ended.set()
            stream.opened.set()
    if not conversation.accepts(last - 1, answer):
        raise LoadFailed(f"timestep {last - 1} got no output but {answer[:200]!r}")
    (began, before), (ended, after) = marks
    p50, p99 = np.percentile(stream.latencies[skipped:], [50, 99]) * 1e6
    steps = last - skipped
    return Round(steps / (ended - began), float(p50), float(p99), (after - before) / steps * 1e6)


class _Stream:
    def __init__(self, conversation: Conversation, rate_hz: float, steps: int) -> None:
        self._conversation = conversation
        self._steps = steps
        self._period = 1 / rate_hz
        self._began = 0.0
        self.opened, self.ended = threading.Event(), threading.Event()
        self.latencies: list[float] = []
        """Seconds, by step."""

    def due(self, step: int) -> float:
        return self._began + step * self._period

    def messages(self) -> Iterator[bytes]:
        """Runs in the thread that sends."""
        yield self._conversation.opening
        self.opened.wait()
        self._began = time.perf_counter() + self._period
        for step, message in enumerate(self._conversation.steps[: self._steps]):
            wait = self.due(step) - time.perf_counter()
            if wait > 0:
                time.sleep(wait)
            if self.ended.is_set():
                return
            yield message
        yield self._conversation.closing


def _answer(answers: Iterator[bytes], conversation: Conversation) -> bytes:
    while True:
        answer = next(answers)
        if conversation.aside is None or not answer.startswith(conversation.aside):
            return answer
