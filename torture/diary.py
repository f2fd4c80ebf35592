"""What streams of the witness were given, and whether it is what they had to get."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import stepwire
from torture.promises import promised
from torture.witness import Inputs, Observation, Witness


@dataclass
class Diary:
    """What one stream was given, in the order in which it asked."""

    number: int
    """Of the stream: its inputs follow from it."""
    seen: list[Observation] = field(default_factory=list)
    longest_pause: float = 0.0
    """Seconds between two answers."""
    _last: float | None = None

    def note(self, seen: Observation, now: float) -> None:
        self.seen.append(seen)
        if self._last is not None:
            self.longest_pause = max(self.longest_pause, now - self._last)
        self._last = now


@dataclass(frozen=True, slots=True)
class Account:
    """What became of the timesteps of all streams together."""

    steps: int
    lost: int
    """Timesteps that did not take effect."""
    doubled: int
    """Timesteps that took effect more than once."""
    different: int
    """Outputs that are not, to the bit, those of an undisturbed run."""

    def hold(self) -> None:
        """Raises PromiseBroken unless each timestep took effect once."""
        faults = self.lost, self.doubled, self.different
        promised(
            not any(faults),
            f"of {self.steps} steps {self.lost} were lost, {self.doubled} doubled, and "
            f"{self.different} outputs differ from an undisturbed run",
        )


def account(witness: Witness, diaries: Sequence[Diary], inputs: Inputs | None = None) -> Account:
    """Compares what streams were given with an undisturbed run of the same inputs."""
    by_number = {diary.number: diary.seen for diary in diaries}
    lengths = {number: len(seen) for number, seen in by_number.items()}
    lost = doubled = different = 0
    taken = dict.fromkeys(by_number, 0)
    for number, step, expected in witness.undisturbed(lengths, inputs):
        seen = by_number[number][step]
        moved = seen.taken - taken[number]
        lost += max(0, 1 - moved)
        doubled += max(0, moved - 1)
        different += seen.y != expected.y
        taken[number] = seen.taken
    return Account(sum(lengths.values()), lost, doubled, different)


async def ask(stream: stepwire.Stream, witness: Witness, diary: Diary, step: int) -> None:
    """Takes one step and writes down its answer."""
    outputs = await stream.step(witness.input(diary.number, step))
    seen = Observation(outputs["y"].tobytes(), int(outputs["taken"][0]))
    diary.note(seen, now=time.monotonic())
