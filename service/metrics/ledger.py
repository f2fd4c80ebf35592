"""The metrics of many workers as those of one service."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prometheus_client.metrics_core import Metric

from service.metrics.service import HIGHEST

_Labels = tuple[tuple[str, str], ...]
_Values = dict[tuple[str, _Labels], float]
"""By the name and the labels of a sample."""

_TOTALS = {"counter", "histogram", "summary"}
_PER_WORKER = "process_"
"""Begins the names of what is worth knowing of each process only."""


class Ledger:
    """Adds up what workers count. A worker counts from 0 after a death. No total falls then:
    Prometheus would take the sum for one that began anew.
    """

    def __init__(self) -> None:
        self._last: dict[str, list[Metric]] = {}
        self._shapes: dict[str, Metric] = {}
        self._past: dict[str, _Values] = {}

    def update(self, worker: str, families: Iterable[Metric]) -> None:
        """What a worker counts, read after what the last update told; it stands until the next."""
        self._last[worker] = list(families)
        for family in self._last[worker]:
            self._shapes.setdefault(family.name, family)

    def retire(self, worker: str) -> None:
        """The worker has died: what it counted stays, and what it was goes."""
        for family in filter(_is_total, self._last.pop(worker, [])):
            _merge(self._past.setdefault(family.name, {}), family, _added)

    def families(self) -> Iterator[Metric]:
        """Each family once, over all workers."""
        values = {name: dict(past) for name, past in self._past.items()}
        for worker, families in sorted(self._last.items()):
            for family in families:
                labels = (("worker", worker),) if _is_per_worker(family) else ()
                combine = max if family.name in HIGHEST else _added
                _merge(values.setdefault(family.name, {}), family, combine, labels)
        for name, shape in self._shapes.items():
            yield _family(shape, values.get(name, {}))


def _is_total(family: Metric) -> bool:
    return family.type in _TOTALS and not _is_per_worker(family)


def _is_per_worker(family: Metric) -> bool:
    return family.name.startswith(_PER_WORKER)


def _added(one: float, other: float) -> float:
    return one + other


def _merge(
    values: _Values,
    family: Metric,
    combine: Callable[[float, float], float],
    labels: _Labels = (),
) -> None:
    for sample in family.samples:
        key = sample.name, (*sample.labels.items(), *labels)
        values[key] = combine(values[key], sample.value) if key in values else sample.value


def _family(shape: Metric, values: _Values) -> Metric:
    family = Metric(shape.name, shape.documentation, shape.type)
    for (name, labels), value in values.items():
        family.add_sample(name, dict(labels), value)
    return family
