"""What the models of a service did in its last minutes, from looks at what they have counted."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from service.console.counted import Counted
from service.console.view import ModelView, View
from service.core.streams import ModelKey

INTERVAL = 1.0
"""Seconds from one look to the next."""
_RATES = 300
"""Intervals whose rates are kept."""
_LOOKS = 12
"""Looks that are kept whole."""

Views = Mapping[str, View]
"""By process, under a name that no later process has."""


@dataclass(frozen=True, slots=True)
class Look:
    at: float
    """Seconds, on a clock of the watcher's."""
    views: Views


@dataclass(frozen=True, slots=True)
class Recent:
    """What came within some seconds."""

    seconds: float
    models: Mapping[ModelKey, Counted]
    """Only those of which something came."""


class History:
    def __init__(self) -> None:
        self._looks: deque[Look] = deque(maxlen=_LOOKS)
        self._rates: deque[Mapping[ModelKey, float]] = deque(maxlen=_RATES)
        self._past: dict[ModelKey, Counted] = {}
        """By processes that are gone."""

    def add(self, look: Look) -> None:
        if self._looks:
            last = self._looks[-1]
            since = _grown(last, look)
            self._rates.append(
                {model: each.ran / since.seconds for model, each in since.models.items()}
            )
            for process in last.views.keys() - look.views.keys():
                _add(self._past, last.views[process].models)
        self._looks.append(look)

    def rates(self) -> list[Mapping[ModelKey, float]]:
        """Timesteps a second of each interval, the oldest first; of the models that ran any."""
        return list(self._rates)

    def recent(self, look: Look, span: float) -> Recent:
        """What came before `look`, in `span` seconds or as far as is known."""
        before = look
        for each in reversed(self._looks):
            before = each
            if look.at - each.at >= span:
                break
        return _grown(before, look)

    def totals(self, look: Look) -> dict[ModelKey, Counted]:
        """What was counted until `look`, by processes that are gone too."""
        together = dict(self._past)
        for view in look.views.values():
            _add(together, view.models)
        return together


def _add(together: dict[ModelKey, Counted], models: Iterable[ModelView]) -> None:
    for each in models:
        together[each.model] = together.get(each.model, Counted()) + each.counted


def _grown(before: Look, after: Look) -> Recent:
    """Process by process: one that is gone leaves no gap in what the others count."""
    together: dict[ModelKey, Counted] = {}
    for process, view in after.views.items():
        known = {each.model: each.counted for each in before.views.get(process, View()).models}
        for each in view.models:
            earlier = known.get(each.model, Counted())
            if each.counted == earlier:
                continue
            grown = each.counted.since(earlier)
            together[each.model] = together.get(each.model, Counted()) + grown
    return Recent(max(after.at - before.at, 1e-9), together)
