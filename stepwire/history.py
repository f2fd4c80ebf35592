"""The inputs of answered timesteps, kept until the server's store has what came of them.

A server that crashed comes back with the newest state in its store. With these inputs the
client brings it to where it was.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stepwire.tensors import input_bytes
from stepwire.v1 import stream_pb2 as pb

_BYTES_PER_STEP, _BYTES_PER_INPUT = 128, 64
"""What CPython takes to keep a timestep, beside the elements of its inputs."""


@dataclass(frozen=True, slots=True)
class Replay:
    """An answered timestep that is sent again for its effect: its output was delivered."""

    number: int
    inputs: tuple[bytes, ...]
    verdict: pb.Verdict.ValueType

    def message(self, now: float) -> pb.StreamRequest:
        return pb.StreamRequest(
            step=pb.Step(step=self.number, inputs=self.inputs, verdict=self.verdict)
        )


class History:
    def __init__(self, max_bytes: int, on_saved: Callable[[], None] = lambda: None) -> None:
        """Keeps up to `max_bytes`, and at least one timestep; then it drops the oldest."""
        self._max_bytes = max_bytes
        self._on_saved = on_saved
        self._limit = 0
        # One of length 0 keeps nothing, which is right without a durable store.
        self._steps: deque[tuple[tuple[bytes, ...], pb.Verdict.ValueType]] = deque(maxlen=0)
        self.end = 0
        """The oldest timestep without an answer."""
        self.durable = False
        """Whether the state outlives the server process."""
        self.durable_step = 0
        """The timesteps before this one are in the server's store."""

    @property
    def first(self) -> int:
        """The oldest timestep that is kept; `end` if there is none."""
        return self.end - len(self._steps)

    @property
    def protected(self) -> bool:
        """Whether a server that comes back at `durable_step` can be brought to `end`."""
        return self.durable and self.first <= self.durable_step

    def full(self, unanswered: int) -> bool:
        """Whether another timestep could cost one that is not in the store."""
        return self.durable and len(self._steps) + unanswered >= self._limit

    def begin(self, step: int) -> None:
        """Nothing is known of the timesteps before `step`."""
        self._steps.clear()
        self.end = step

    def connected(self, opened: pb.Opened) -> None:
        """Takes what a server says of its store; it may be another server than before."""
        size = _BYTES_PER_STEP + _BYTES_PER_INPUT * len(opened.signature.inputs)
        self._limit = max(1, self._max_bytes // (size + input_bytes(opened.signature)))
        self._steps = deque(self._steps, maxlen=self._limit if opened.durable else 0)
        self.durable, self.durable_step = opened.durable, opened.durable_step
        self.drop_before(opened.durable_step)

    def keep(self, inputs: tuple[bytes, ...], verdict: pb.Verdict.ValueType) -> None:
        """The timestep at `end` has been answered."""
        self._steps.append((inputs, verdict))
        self.end += 1

    def skip(self) -> None:
        """The timestep at `end` has run with inputs that are not known here."""
        self.begin(self.end + 1)

    def saved(self, step: int) -> None:
        """The timesteps before `step` are in the store."""
        self.durable_step = step
        self.drop_before(step)

    def drop_before(self, step: int) -> None:
        for _ in range(min(step, self.end) - self.first):
            self._steps.popleft()
        self._on_saved()

    def since(self, step: int) -> Iterator[Replay]:
        """What a server that stands at `step` has to run again."""
        for number, (inputs, verdict) in enumerate(self._steps, self.first):
            if number >= step:
                yield Replay(number, inputs, verdict)
