"""A run's figures for programs."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from loadtest.finding import Found
from loadtest.load import Target
from loadtest.outcome import Outcome
from loadtest.table import percentiles

_US = 1e6


def environment(target: Target, began: datetime) -> dict[str, str]:
    """Of the loader; the server's is unknown to it."""
    return {
        "server": target.address,
        "began": began.astimezone(UTC).isoformat(timespec="seconds"),
        "loader": f"stepwire {version('stepwire')}, Python {platform.python_version()}",
        "machine": f"{_processors()} processors, {platform.system()} {platform.machine()}",
    }


def figures(outcome: Outcome) -> dict[str, Any]:
    """Durations in microseconds, shares from 0 to 1, rates in steps a second."""
    load, total = outcome.load, outcome.total
    return {
        "model": outcome.served.model,
        "version": outcome.served.version,
        "digest": outcome.served.digest,
        "protocol": load.protocol,
        "streams": load.streams,
        "rate_per_stream": load.rate,
        "arrivals": load.arrivals,
        "duration_s": outcome.elapsed,
        "interrupted": outcome.interrupted,
        "ramp_s": load.ramp,
        "seed": load.seed,
        "processes": outcome.processes,
        "rate_asked": load.asked,
        "rate": outcome.rate,
        "due": total.due,
        "answered": total.answered,
        "errors": dict(total.errors),
        "latency_us": _latency(outcome),
        "queue_us": total.queued / total.came * _US if total.came else None,
        "compute_us": total.computed / total.came * _US if total.came else None,
        "batch_size": outcome.mean_batch,
        "batches": {str(size): count for size, count in sorted(total.batches.items())},
        "misses": outcome.misses,
        "late": outcome.late,
        "lateness_p99_us": total.lateness.percentile(99) * _US,
        "loader_limit": outcome.loader_limit,
        "over_time": [
            {
                "second": number * load.interval,
                "answered": each.came,
                "p50_us": each.latency.percentile(50) * _US,
                "p99_us": each.latency.percentile(99) * _US,
                "misses": each.misses,
                "errors": each.errors.total(),
            }
            for number, each in sorted(outcome.intervals.items())
        ],
    }


def trials(found: Found) -> list[dict[str, Any]]:
    return [
        {
            "purpose": tried.purpose,
            "streams": tried.outcome.load.streams,
            "rate_per_stream": tried.outcome.load.rate,
            "rate_asked": tried.outcome.load.asked,
            "rate": tried.outcome.rate,
            "latency_us": _latency(tried.outcome),
            "held": tried.held,
            "failure": tried.failure,
        }
        for tried in found.trials
    ]


def _latency(outcome: Outcome) -> dict[str, float] | None:
    """In microseconds; None where nothing was measured."""
    if not outcome.latency.count:
        return None
    return {
        "mean": outcome.latency.mean * _US,
        **{name: seconds * _US for name, seconds in percentiles(outcome)},
    }


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
