"""When a worker that has died is started again."""

from __future__ import annotations

from dataclasses import dataclass

QUICK_SECONDS = 10.0
"""Who lives shorter has died of its start, or of what its clients do again and again."""
_FIRST_SECONDS = 0.5
_MOST_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Restarts:
    """Of one worker: at once, but ever later when it dies quickly again and again."""

    quick: int = 0
    """Quick deaths in a row."""

    def after(self, lived: float) -> Restarts:
        """It has died, having lived for so many seconds."""
        return Restarts(self.quick + 1 if lived < QUICK_SECONDS else 0)

    @property
    def delay(self) -> float:
        """Seconds until the next start."""
        if self.quick <= 1:
            return 0.0
        return min(_FIRST_SECONDS * 2.0 ** min(self.quick - 2, 16), _MOST_SECONDS)
