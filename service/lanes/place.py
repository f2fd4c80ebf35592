"""Where the models of a process run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from service.runtime.device import CPU, Device
from service.runtime.loss import Loss
from service.runtime.numerics import processor_of


@dataclass(frozen=True, slots=True)
class Place:
    device: Device = CPU
    why_not_cuda: str = ""
    """Where CUDA would have been taken, had it been there."""
    memory: int | None = None
    """Bytes of the device for the states of each model; None: all there is."""
    loss: Loss = field(default_factory=Loss)
    """What becomes of the device."""

    @property
    def told(self) -> str:
        """In a line, for people."""
        if self.device.is_host:
            return "models run on the CPU" + (f": {self.why_not_cuda}" if self.why_not_cuda else "")
        return f"models run on {self.device.name}, {processor_of(self.device)}"


def notes(place: Place, workers: int, deterministic: bool) -> Iterator[str]:
    """What those who asked for it may not expect."""
    if place.device.is_host:
        if deterministic:
            yield (
                "--deterministic changes nothing here: on the CPU no bit of a stream depends on "
                "its neighbours"
            )
    elif workers > 1:
        yield (
            f"each of {workers} workers has a CUDA context and memory of its own on "
            f"{place.device.name}, and their runs take turns there: one worker may do more"
        )
