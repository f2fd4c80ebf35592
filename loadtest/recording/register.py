"""Which streams a recording has, and which of their steps.

A stream outlives its calls: one that is resumed goes on under its number where the recording has
all that came before.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from stepwire.recording.v1 import recording_pb2 as rec
from stepwire.v1 import stream_pb2 as pb

Write = Callable[[rec.Record], None]

_KNOWN = 100_000
"""Streams that are remembered, the longest unheard of are forgotten first."""
_VERDICTS = {pb.VERDICT_LATE: rec.VERDICT_LATE, pb.VERDICT_HELD: rec.VERDICT_HELD}
_AFRESH = (pb.OPEN_MODE_UNSPECIFIED, pb.OPEN_MODE_CREATE, pb.OPEN_MODE_RESTART)


class _Asked(NamedTuple):
    step: int
    inputs: tuple[bytes, ...]
    at: int


class Track:
    """A stream of the recording."""

    def __init__(self, number: int, opened: pb.Opened) -> None:
        self.number = number
        self.model = (opened.model, opened.version, opened.signature.digest)
        self.answered = opened.next_step
        """The first step without a recorded answer."""
        self.asked = opened.next_step
        """The first step that was never asked."""

    def goes_on(self, mode: pb.OpenMode.ValueType, opened: pb.Opened) -> bool:
        """Whether that opening continues it: the recording has every step until there."""
        afresh = mode in _AFRESH and opened.next_step == 0
        return (
            not afresh
            and opened.exact
            and opened.next_step <= self.asked
            and self.model == (opened.model, opened.version, opened.signature.digest)
        )


class Part:
    """A stream while it is on one call. Times in microseconds of the recording."""

    def __init__(self, track: Track, write: Write, leave: Callable[[bool], None]) -> None:
        """`leave`: is told when the call has ended, and whether the stream was changed."""
        self._track = track
        self._write = write
        self._leave = leave
        self._unanswered: deque[_Asked] = deque()

    def asked(self, step: int, inputs: Iterable[bytes], at: int) -> None:
        self._unanswered.append(_Asked(step, tuple(inputs), at))
        if step == self._track.asked:
            self._track.asked += 1

    def answered(self, output: pb.Output, at: int) -> None:
        asked = self._take(output.step)
        # An answer that is given again was recorded the first time.
        if asked and output.step >= self._track.answered:
            self._track.answered = output.step + 1
            step = self._step(asked)
            step.answered_us = at
            step.outputs.extend(output.outputs)
            step.verdict = _VERDICTS.get(output.verdict, rec.VERDICT_ON_TIME)
            self._write(rec.Record(step=step))

    def refused(self, error: pb.StepError, at: int) -> None:
        beyond_the_window = error.code == pb.StepError.CODE_RESOURCE_EXHAUSTED
        self._take(error.step, newest=beyond_the_window)
        code = pb.StepError.Code.Name(error.code).removeprefix("CODE_")
        refused = rec.Refused(
            stream=self._track.number,
            step=error.step,
            at_us=at,
            code=code,
            message=error.message,
        )
        self._write(rec.Record(refused=refused))

    def ended(self, error: str) -> None:
        """The call is over; what it left unanswered may have run. `error`: its name, or empty."""
        for asked in self._unanswered:
            if asked.step >= self._track.answered:
                self._write(rec.Record(step=self._step(asked)))
        self._unanswered.clear()
        self._leave(error == "STREAM_CHANGED")

    def _take(self, step: int, *, newest: bool = False) -> _Asked | None:
        found = reversed(self._unanswered) if newest else iter(self._unanswered)
        asked = next((each for each in found if each.step == step), None)
        if asked:
            self._unanswered.remove(asked)
        return asked

    def _step(self, asked: _Asked) -> rec.Step:
        return rec.Step(
            stream=self._track.number, step=asked.step, asked_us=asked.at, inputs=asked.inputs
        )


class Register:
    def __init__(self, write: Write) -> None:
        self._write = write
        self._next = 0
        self._known: OrderedDict[tuple[str, bytes], Track] = OrderedDict()
        self.on_calls = 0
        """Streams that are on a call."""

    def opened(self, mode: pb.OpenMode.ValueType, opened: pb.Opened, at: int) -> Part:
        key = (opened.stream_id, opened.token)
        track = self._known.get(key)
        if track is None or not track.goes_on(mode, opened):
            track = self._known[key] = self._begun(opened, at)
        self._known.move_to_end(key)
        if len(self._known) > _KNOWN:
            self._known.popitem(last=False)
        self.on_calls += 1

        def leave(changed: bool) -> None:
            self.on_calls -= 1
            if changed and self._known.get(key) is track:
                del self._known[key]

        return Part(track, self._write, leave)

    def _begun(self, opened: pb.Opened, at: int) -> Track:
        track = Track(self._next, opened)
        self._next += 1
        begun = rec.Begun(
            stream=track.number,
            at_us=at,
            stream_id=opened.stream_id,
            model=opened.model,
            version=opened.version,
            digest=opened.signature.digest,
            inputs=map(_tensor, opened.signature.inputs),
            outputs=map(_tensor, opened.signature.outputs),
            first_step=opened.next_step,
        )
        self._write(rec.Record(begun=begun))
        return track


def _tensor(spec: pb.TensorSpec) -> rec.Tensor:
    return rec.Tensor(name=spec.name, dtype=spec.dtype, shape=spec.shape)
