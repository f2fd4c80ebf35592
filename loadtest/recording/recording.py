"""A recording that is read: where each step of its streams stands in the file."""

from __future__ import annotations

import mmap
from array import array
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from loadtest.recording.framing import Damage, NoRecording, checked, read, records
from stepwire.recording.v1 import recording_pb2 as pb
from stepwire.refused import Refused


class Steps:
    """A stream's steps from 0 on, by their number; 16 bytes of memory for each."""

    def __init__(self) -> None:
        self._offsets = array("Q")
        self._asked = array("Q")
        self._unanswered: set[int] = set()
        self.missing: int | None = None
        """The step that the recording lacks, behind which it has others."""

    def __len__(self) -> int:
        """Those that can be asked again: the last of them was answered."""
        count = len(self._offsets)
        while count - 1 in self._unanswered:
            count -= 1
        return count

    def add(self, step: pb.Step, offset: int) -> None:
        """In the order of the file. An answer takes the place of a step that had none."""
        number, answered = step.step, step.HasField("answered_us")
        if number > len(self._offsets):
            self.missing = len(self._offsets)
        elif number == len(self._offsets) and self.missing is None:
            self._offsets.append(offset)
            # One that was asked again comes behind those before it.
            before = self._asked[-1] if self._asked else 0
            self._asked.append(max(step.asked_us, before))
            if not answered:
                self._unanswered.add(number)
        elif answered and number in self._unanswered:
            self._offsets[number] = offset
            self._unanswered.discard(number)

    def offset(self, number: int) -> int:
        return self._offsets[number]

    def asked_us(self, number: int) -> int:
        return self._asked[number]


@dataclass
class Recorded:
    """A stream of the recording."""

    begun: pb.Begun
    steps: Steps = field(default_factory=Steps)
    counts: Counter[str] = field(default_factory=Counter)
    """Steps by what became of them: answered, late, held, unanswered, refused."""
    latency_us: int = 0
    """The sum over the answered ones."""

    @property
    def whole(self) -> bool:
        """Whether it is recorded from its first step on."""
        return self.begun.first_step == 0

    def add(self, step: pb.Step, offset: int) -> None:
        if step.HasField("answered_us"):
            self.counts["answered"] += 1
            self.counts["late"] += step.verdict == pb.VERDICT_LATE
            self.counts["held"] += step.verdict == pb.VERDICT_HELD
            self.latency_us += step.answered_us - step.asked_us
        else:
            self.counts["unanswered"] += 1
        if self.whole:
            self.steps.add(step, offset)


class Recording:
    """Opened by `with`. The file stays where it is: only what is asked for is read."""

    def __init__(self, path: Path) -> None:
        """Raises Refused."""
        self.path = path
        try:
            with path.open("rb") as file:
                self.bytes = file.seek(0, 2)
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise Refused(f"{path}: {error.strerror}") from error
        except ValueError as error:
            raise Refused(f"{path}: it is empty") from error
        self._data = memoryview(self._map)
        self.streams: dict[int, Recorded] = {}
        self.damage: Damage | None = None
        self.unrecorded: dict[str, int] = {}
        self.last_us = 0
        try:
            self.header = checked(self._data)
            self._index()
        except NoRecording as error:
            self.close()
            raise Refused(f"{path}: {error}") from error

    def step(self, offset: int) -> pb.Step:
        """One that was found when the file was read first. Raises Refused if it has changed."""
        found = read(self._data, offset)
        if isinstance(found, Damage):
            raise Refused(f"{self.path}: the file has changed while it was read")
        return found[0].step

    def _index(self) -> None:
        for found in records(self._data):
            if isinstance(found, Damage):
                self.damage = found
                return
            record, offset = found
            kind = record.WhichOneof("kind")
            if kind == "step" and (stream := self.streams.get(record.step.stream)):
                stream.add(record.step, offset)
                self.last_us = max(self.last_us, record.step.answered_us, record.step.asked_us)
            elif kind == "begun":
                self.streams[record.begun.stream] = Recorded(record.begun)
                self.last_us = max(self.last_us, record.begun.at_us)
            elif kind == "refused" and (stream := self.streams.get(record.refused.stream)):
                stream.counts["refused"] += 1
            elif kind == "end":
                self.unrecorded = dict(record.end.unrecorded)
                self.last_us = record.end.at_us

    def close(self) -> None:
        if isinstance(self._data, memoryview):
            self._data.release()
        self._map.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
