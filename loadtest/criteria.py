"""What a run is held to, written as `p99<5ms`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from loadtest import wording
from loadtest.load import Load
from loadtest.outcome import Outcome

_PARTS = re.compile(r"\s*([a-z0-9.]+)\s*(<=|>=|<|>)\s*([0-9.]+(?:e[+-]?\d+)?)\s*(\S*)\s*", re.I)
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?|100)")
_SECONDS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0}
_COMPARED: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ALIASES = {"misses": "miss", "error": "errors", "median": "p50"}
_KNOWN = "p50, p99, p99.9 or any percentile, mean, max, rate, errors, miss, late or batch"


class BadCriterion(ValueError):
    """It cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Criterion:
    text: str
    name: str
    """Of a measure: a percentile, `mean`, `max`, `rate`, `errors`, `miss`, `late` or `batch`."""
    relation: str
    limit: float
    """In seconds, steps a second, a number, or a share from 0 to 1."""
    share: bool
    """Whether `limit` is a share."""

    def holds(self, outcome: Outcome) -> bool:
        """False of what the run could not measure."""
        value = self.measured(outcome)
        return value is not None and _COMPARED[self.relation](value, self.limit)

    def unmeasurable(self, load: Load) -> str | None:
        """Why no run of a load can measure it; None where one can."""
        if self.name == "batch" and load.protocol == "triton":
            return f"Triton's protocol tells no batch size: leave out {self.text!r}"
        if self.name == "miss" and load.rate is None:
            return f"a closed loop misses nothing, as no step is due: leave out {self.text!r}"
        return None

    def measured(self, outcome: Outcome) -> float | None:
        total = outcome.total
        if self.name in ("mean", "max") or self.is_percentile:
            return _duration(self.name, outcome) if outcome.latency.count else None
        if self.name == "rate":
            return outcome.rate
        if self.name == "batch":
            return outcome.mean_batch
        if self.name == "late":
            return outcome.late
        if self.name == "miss" and outcome.misses is None:
            return None
        count = outcome.errors if self.name == "errors" else total.misses
        return count / max(1, total.due) if self.share else count

    def told(self, outcome: Outcome) -> str:
        """The measure in words, as `p99 is 6.1 ms`."""
        value = self.measured(outcome)
        return f"{self.name} is {'not measured' if value is None else self._worded(value)}"

    def _worded(self, value: float) -> str:
        if self.is_duration:
            return wording.duration(value)
        if self.share:
            return wording.share(value)
        return wording.rate(value) if self.name == "rate" else wording.number(value)

    @property
    def is_percentile(self) -> bool:
        return bool(_PERCENTILE.fullmatch(self.name))

    @property
    def is_duration(self) -> bool:
        return self.name in ("mean", "max") or self.is_percentile


def criterion(text: str) -> Criterion:
    """Raises BadCriterion."""
    parts = _PARTS.fullmatch(text)
    if not parts:
        raise BadCriterion(f"{text!r} is not a measure, < or >, and a limit, as in 'p99<5ms'")
    name = _ALIASES.get(parts[1].lower(), parts[1].lower())
    try:
        limit = float(parts[3])
    except ValueError as error:
        raise BadCriterion(f"{text!r}: {parts[3]} is no number") from error
    scale, share = _unit(text, name, parts[4])
    return Criterion(text.strip(), name, parts[2], limit * scale, share)


def _unit(text: str, name: str, unit: str) -> tuple[float, bool]:
    """What the limit is multiplied by, and whether that gives a share."""
    if name in ("mean", "max") or _PERCENTILE.fullmatch(name):
        if unit not in _SECONDS:
            raise BadCriterion(f"{text!r}: a latency has a unit, us, ms or s, as in 'p99<5ms'")
        return _SECONDS[unit], False
    if name in ("errors", "miss") and unit in ("", "%"):
        return (0.01, True) if unit else (1.0, False)
    if name == "late" and unit == "%":
        return 0.01, True
    if (name == "rate" and unit in ("", "/s")) or (name == "batch" and not unit):
        return 1.0, False
    if name in ("errors", "miss", "late", "rate", "batch"):
        units = {"late": "%, as in 'late>1%'", "rate": "none, or /s", "batch": "none"}
        wanted = units.get(name, "none, or %")
        raise BadCriterion(f"{text!r}: the unit of {name} is {wanted}, not {unit!r}")
    raise BadCriterion(f"{text!r}: there is no measure {name!r}; there is {_KNOWN}")


def _duration(name: str, outcome: Outcome) -> float:
    if name == "mean":
        return outcome.latency.mean
    if name == "max":
        return outcome.latency.maximum
    return outcome.latency.percentile(float(name[1:]))
