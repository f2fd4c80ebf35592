"""What an expression of Prometheus asks for, without evaluating it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from prometheus_client.metrics_core import Metric

_STRING = re.compile(r'"(?:\\.|[^"\\])*"')
_BRACED = re.compile(r"\{[^}]*\}|\[[^\]]*\]")
_LABELS = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_NAME = re.compile(r"(?<![\w.:$])[a-zA-Z_:][\w:]*(?!\s*\(|[\w:])")
_WORDS = frozenset({"and", "or", "unless", "bool", "offset", "inf", "nan", "by", "without"})

_SUFFIXES = {
    "counter": ("_total",),
    "histogram": ("_bucket", "_sum", "_count"),
    "summary": ("_sum", "_count"),
}


def series_of(expression: str) -> set[str]:
    """The names of the series that it selects."""
    bare = _LABELS.sub(" ", _BRACED.sub(" ", _STRING.sub(" ", expression)))
    return {name for name in _NAME.findall(bare) if name.lower() not in _WORDS}


def selectors_of(expression: str, series: str) -> list[str]:
    """What stands in braces behind each mention of the series; "" where there are none."""
    return re.findall(rf"(?<![\w:]){series}(?![\w:])(?:{{([^}}]*)}})?", expression)


def series_in(family: Metric) -> set[str]:
    """The names under which Prometheus has what a family holds."""
    return {family.name + suffix for suffix in _SUFFIXES.get(family.type, ("",))}


def exposed(families: Iterable[Metric]) -> set[str]:
    return set().union(*map(series_in, families))
