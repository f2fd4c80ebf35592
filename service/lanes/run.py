"""A run: one batch of a lane on its way through the model."""

from __future__ import annotations

import time
from dataclasses import dataclass

from service.core.batch import Batch, BatchResult
from service.runtime.stepper import Stepper, Taken


@dataclass(slots=True)
class Run:
    batch: Batch
    taken: Taken | None = None
    """None of an empty batch, and of one that could not be taken."""
    result: BatchResult | None = None
    """None where it has not run, or failed."""
    failure: Exception | None = None
    is_timed: bool = False
    spent: float | None = None
    """Seconds of a processor that the thread which computed it has spent, if it was timed."""

    def compute(self, stepper: Stepper) -> None:
        """In any thread, once. Never raises."""
        if self.taken is None or self.result or self.failure:
            return
        began = time.thread_time() if self.is_timed else 0.0
        try:
            self.result = stepper.run(self.taken)
        except Exception as error:  # whatever the runtime raises, no state has changed
            self.failure = error
        if self.is_timed:
            self.spent = time.thread_time() - began
