"""The last outputs of the streams that someone watches.

A lane tells of each run while one of its streams is watched, and is not asked to otherwise.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

import numpy as np

from service.console.view import Line
from service.core.model import Array, TensorSpec
from service.core.streams import Stream, StreamKey
from service.lanes.lane import Lane

KEPT = 512
"""Steps of a line."""
_ROWS = 16
"""Features drawn at most."""
_LINES = 16
"""Watched at a time."""
_PATIENCE = 10.0
"""Seconds that a line is kept which nobody asks for."""


class Lines:
    def __init__(self, lanes: Callable[[], Iterable[Lane]], clock: Callable[[], float]) -> None:
        self._lanes = lanes
        self._clock = clock
        self._watched: dict[StreamKey, _Watched] = {}

    def read(self, key: StreamKey, after: int) -> Line | None:
        """The outputs of the stream's steps behind `after`, as far as they were seen. From here
        on all are, while it is asked for. None: there is no such stream here.
        """
        watched = self._watched.pop(key, None)
        if watched is None or watched.lost:
            watched = self._begin(key)
        if watched:
            watched.asked = self._clock()
            watched.catch_up()
            self._watched[key] = watched
        self.tidy()
        return watched.line(after) if watched else None

    def _begin(self, key: StreamKey) -> _Watched | None:
        for lane in self._lanes():
            for stream in lane.tenants:
                if stream and stream.key == key:
                    return _Watched(lane, stream)
        return None

    def _on_run(self) -> None:
        overdue = self._clock() - _PATIENCE
        for watched in self._watched.values():
            watched.catch_up()
        if any(watched.asked < overdue for watched in self._watched.values()):
            self.tidy()

    def tidy(self) -> None:
        """Forgets what nobody asks for; who was asked for longest ago stands first."""
        overdue = self._clock() - _PATIENCE
        while self._watched and (
            len(self._watched) > _LINES or next(iter(self._watched.values())).asked < overdue
        ):
            del self._watched[next(iter(self._watched))]
        looked_at = {id(watched.lane) for watched in self._watched.values()}
        for lane in self._lanes():
            lane.onlooker = self._on_run if id(lane) in looked_at else None


class _Watched:
    def __init__(self, lane: Lane, stream: Stream) -> None:
        self.lane = lane
        self.asked = 0.0
        self._stream = stream
        self._next_step = 0
        self._kept: deque[tuple[int, tuple[bytes, ...]]] = deque(maxlen=KEPT)
        """Steps, and what each put out, per output."""
        self._names = _names(lane.signature.outputs)

    @property
    def lost(self) -> bool:
        """Whether the stream has ended here, or goes on at another version."""
        return self._stream.slot is None or self._stream.model != self.lane.model

    def catch_up(self) -> None:
        if self.lost or (next_step := self.lane.next_step(self._stream)) == self._next_step:
            return
        if next_step == self._next_step + 1:
            self._kept.append((self._next_step, self.lane.last_outputs(self._stream)))
        else:
            self._catch_up_from_history()
        self._next_step = next_step

    def _catch_up_from_history(self) -> None:
        history = self.lane.history(self._stream)
        if history.next_step < self._next_step:  # set back from outside
            self._kept.clear()
            self._next_step = 0
        kept = len(history.seals)
        first = history.next_step - kept
        outputs = zip(*(_split(data, kept) for data in history.outputs), strict=True)
        self._kept += [
            (step, each) for step, each in enumerate(outputs, first) if step >= self._next_step
        ]

    def line(self, after: int) -> Line:
        seen = [(step, outputs) for step, outputs in self._kept if step > after]
        columns = np.array([self._row(outputs) for _, outputs in seen]).T.tolist()
        return Line(
            self.lane.model,
            self._names[:_ROWS],
            len(self._names),
            self._next_step,
            tuple(step for step, _ in seen),
            tuple(map(tuple, columns)),
        )

    def _row(self, outputs: tuple[bytes, ...]) -> Array:
        """The first features of a step, float64 [rows]."""
        features = [
            np.frombuffer(data, spec.dtype).astype(np.float64)
            for data, spec in zip(outputs, self.lane.signature.outputs, strict=True)
        ]
        return np.concatenate(features)[:_ROWS]


def _split(data: bytes, parts: int) -> list[bytes]:
    size = len(data) // max(1, parts)
    return [data[place * size : (place + 1) * size] for place in range(parts)]


def _names(outputs: Iterable[TensorSpec]) -> tuple[str, ...]:
    return tuple(name for spec in outputs for name in _of_one(spec))


def _of_one(spec: TensorSpec) -> list[str]:
    size = int(np.prod(spec.shape, dtype=np.int64))
    if len(spec.features) == size:
        return list(spec.features)
    return [spec.name] if size == 1 else [f"{spec.name}[{place}]" for place in range(size)]
