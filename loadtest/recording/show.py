"""What is in a recording, for a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from loadtest import wording
from loadtest.recording.recording import Recorded, Recording

_TERM = 12
"""Characters."""
_MOST = 10
"""Streams that are listed, those of the most steps."""


def told(path: Path) -> str:
    """Raises Refused."""
    with Recording(path) as recording:
        rows = [f"  {term:<{_TERM}}{text}" for term, text in _rows(recording)]
        return "\n".join([str(path), *rows])


def _rows(recording: Recording) -> Iterator[tuple[str, str]]:
    header, streams = recording.header, list(recording.streams.values())
    began = datetime.fromtimestamp(header.began_unix_us / 1e6, UTC)
    yield (
        "recorded",
        f"{began:%Y-%m-%d %H:%M:%S} UTC, {wording.clock(recording.last_us / 1e6)}, "
        f"from {header.server}, by stepwire {header.recorder}",
    )
    yield "size", wording.size(recording.bytes)
    total: Counter[str] = sum((each.counts for each in streams), Counter())
    yield "streams", f"{len(streams):,}"
    yield "steps", _counts(total)
    if total["answered"]:
        mean = sum(each.latency_us for each in streams) / total["answered"] / 1e6
        yield "latency", f"{wording.duration(mean)} from recorder to answer (mean)"
    for model, some in _by_model(streams).items():
        steps = sum(each.counts["answered"] for each in some)
        counts = (wording.counted(len(some), "stream"), wording.counted(steps, "step"))
        yield "model", f"{model}: {', '.join(counts)}"
    listed = sorted(streams, key=lambda each: -each.counts["answered"])[:_MOST]
    for each in listed:
        yield "stream", _stream(each)
    if len(streams) > len(listed):
        yield "", f"and {wording.counted(len(streams) - len(listed), 'stream')} of fewer steps"
    for method, calls in sorted(recording.unrecorded.items()):
        yield "unrecorded", f"{wording.counted(calls, 'call')} of {method}"
    if recording.damage:
        offset, reason = recording.damage
        yield "damage", f"{reason} at byte {offset:,}; what stands before it can be replayed"


def _by_model(streams: list[Recorded]) -> dict[str, list[Recorded]]:
    models: dict[str, list[Recorded]] = {}
    for each in streams:
        begun = each.begun
        name = f"{begun.model}/{begun.version}, digest {begun.digest[:12]}"
        models.setdefault(name, []).append(each)
    return models


def _stream(stream: Recorded) -> str:
    begun = stream.begun
    told = f"{begun.stream_id}: {begun.model}/{begun.version}, {_counts(stream.counts)}"
    if not stream.whole:
        return f"{told}; from step {begun.first_step:,} on, which cannot be replayed"
    if stream.steps.missing is not None:
        return f"{told}; step {stream.steps.missing:,} is missing, and ends what can be replayed"
    return told


def _counts(counts: Counter[str]) -> str:
    told = [f"{counts['answered']:,} answered"]
    told += [
        f"{counts[name]:,} {name}"
        for name in ("late", "held", "unanswered", "refused")
        if counts[name]
    ]
    return ", ".join(told)
