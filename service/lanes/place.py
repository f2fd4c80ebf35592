"""Where the models of a process run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from service.runtime.device import CPU, Device
from service.runtime.loss import Loss
from service.runtime.numerics import processor_of

_WANT = re.compile(r"out of memory|allocate|smaller than requested", re.IGNORECASE)
"""As CUDA, cupy and ONNX Runtime tell of want of memory."""


@dataclass(frozen=True, slots=True)
class Place:
    device: Device = CPU
    why_not_cuda: str = ""
    """Where CUDA would have been taken, had it been there."""
    memory: int | None = None
    """Bytes of the device for the states of each model; None: half of what is free."""
    workers: int = 1
    """Processes that share the device."""
    loss: Loss = field(default_factory=Loss)
    """What becomes of the device."""

    def for_states(self) -> int | None:
        """Bytes of the device for the states of a model that is loaded now; None: no matter."""
        free = self.device.free() if self.memory is None else None
        return self.memory if free is None else free // (2 * self.workers)

    def room(self, reason: str) -> str:
        """How much memory the device has, to follow a reason that is want of it; else empty."""
        if self.device.is_host or not _WANT.search(reason):
            return ""
        try:
            free, (_, total) = self.device.free(), self.device.xp.cuda.runtime.memGetInfo()
        except RuntimeError:  # of a device that is lost
            return ""
        limit = f", of which a model may have {2 * self.memory:,}" if self.memory else ""
        return f" ({self.device.name} has {free:,} of {total:,} bytes free{limit})"

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
