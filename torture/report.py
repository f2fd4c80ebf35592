"""What a run has found, as a table for people and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from statistics import median
from typing import Any

from torture.diary import Account

_COUNTS = ("steps", "lost", "doubled", "different")


@dataclass(frozen=True, slots=True)
class Finding:
    """Of one scenario: its figures, or what it saw instead of what was promised."""

    name: str
    seconds: float
    figures: Any = None
    broken: str = ""


def table(findings: Sequence[Finding]) -> str:
    """A line for each scenario, and below it the figures that are its own."""
    return "\n".join(line.rstrip() for line in _lines(findings))


def _lines(findings: Sequence[Finding]) -> Iterator[str]:
    yield f"{'':<14}{'promise':<9}" + "".join(f"{name:>11}" for name in (*_COUNTS, "took"))
    for finding in findings:
        kept = "BROKEN" if finding.broken else "kept"
        counts = "".join(f"{count:>11}" for count in _counts(finding.figures))
        yield f"{finding.name:<14}{kept:<9}{counts}{f'{finding.seconds:,.0f} s':>11}"
        yield f"{'':<14}{finding.broken or ', '.join(_own(finding.figures))}"


def _counts(figures: Any) -> list[str]:
    account = getattr(figures, "account", None)
    if account is None:
        return [f"{figures.steps:,}" if hasattr(figures, "steps") else "", "", "", ""]
    return [f"{getattr(account, name):,}" for name in _COUNTS]


def _own(figures: Any) -> Iterator[str]:
    for field in fields(figures):
        value = getattr(figures, field.name)
        if field.name not in (*_COUNTS, "seconds") and not isinstance(value, Account):
            yield f"{field.name.replace('_', ' ')} {_text(value)}"


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{key} {count:,}" for key, count in value.items())
    if isinstance(value, Sequence):
        return f"median {median(value):.3g}, most {max(value):.3g}"
    if isinstance(value, float):
        return f"{value:,.3g}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{value:,}"


def write_json(findings: Sequence[Finding], path: Path) -> None:
    """A list of name, seconds, broken and figures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([_plain(each) for each in findings], indent=2) + "\n")


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    return value
