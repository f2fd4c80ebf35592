"""What a replay came to, for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from loadtest import table, wording
from loadtest.recording.comparison import Result
from loadtest.recording.player import Replay, Wish
from loadtest.recording.recording import Recorded, Recording

T = TypeVar("T")

_TERM = 12
"""Characters."""
_MOST = 10
"""Streams of one kind that are listed."""
_MEANINGLESS = ("latency", "server", "late", "asked")
"""Rows of a table, where steps are due when there is room for them."""


def told(recording: Recording, wish: Wish, replay: Replay) -> str:
    rows = [
        *_outputs(wish, replay.results),
        *_skipped(recording),
        *_models(replay.results),
        *_figures(wish, replay),
    ]
    return "\n".join(
        [_heading(recording, wish, replay), *(f"  {term:<{_TERM}}{text}" for term, text in rows)]
    )


def equality(wish: Wish, results: Sequence[Result]) -> str:
    steps, equal = (sum(getattr(each, of) for each in results) for of in ("steps", "equal"))
    how = "bit for bit" if wish.atol is None else f"within {wish.atol:g}"
    return f"{equal:,} of {steps:,} steps equal, {how}"


def _heading(recording: Recording, wish: Wish, replay: Replay) -> str:
    served, count = replay.outcome.served, len(replay.results)
    streams = wording.counted(count, "stream")
    if wish.speed is None:
        pace = "as fast as it is answered"
    else:
        pace = "as it was" if wish.speed == 1 else f"at {wish.speed:g} times its speed"
    who = f"{served.model}/{served.version}, " if served.inputs else ""
    return f"{who}{streams} of {recording.path}, {pace}"


def _outputs(wish: Wish, results: Sequence[Result]) -> Iterator[tuple[str, str]]:
    yield "outputs", equality(wish, results)
    differing = [each for each in results if each.first]
    yield from _listed("different", differing, _difference)
    yield from _listed("unanswered", [each for each in results if each.unanswered], _unanswered)
    if uncompared := sum(each.uncompared for each in results):
        yield (
            "uncompared",
            f"{wording.counted(uncompared, 'step')} that the recording has no answer to",
        )


def _difference(result: Result) -> str:
    assert result.first
    step, difference = result.first
    others = f"; {result.different:,} steps differ" if result.different > 1 else ""
    return f"{result.name}, step {step:,}: {difference}{others}"


def _unanswered(result: Result) -> str:
    left = wording.counted(result.unanswered, "step")
    return f"{result.name}, {left}: {result.failure or 'interrupted'}"


def _skipped(recording: Recording) -> Iterator[tuple[str, str]]:
    streams = list(recording.streams.values())
    yield from _listed("skipped", [each for each in streams if not each.whole], _begun_before)
    unheard = [each for each in streams if each.whole and not len(each.steps)]
    if unheard:
        yield "skipped", f"{wording.counted(len(unheard), 'stream')} without an answered step"
    yield from _listed("cut short", [e for e in streams if e.steps.missing is not None], _cut)
    if recording.damage:
        offset, reason = recording.damage
        yield "damage", f"the recording is {reason} at byte {offset:,}; replayed until there"


def _begun_before(stream: Recorded) -> str:
    begun = stream.begun
    return f"{begun.stream_id}: its state at step {begun.first_step:,} is not in the recording"


def _cut(stream: Recorded) -> str:
    return f"{stream.begun.stream_id}: the recording lacks step {stream.steps.missing:,}"


def _models(results: Sequence[Result]) -> Iterator[tuple[str, str]]:
    """Where another file answers than the one that was recorded."""
    for told in sorted({told for each in results if (told := _other_model(each))}):
        yield "model", told


def _other_model(result: Result) -> str | None:
    begun, served = result.recorded.begun, result.served
    if served is None or served.digest == begun.digest:
        return None
    return (
        f"{served.model}/{served.version} is digest {served.digest[:12]}, and the recording is of "
        f"{begun.model}/{begun.version}, digest {begun.digest[:12]}"
    )


def _figures(wish: Wish, replay: Replay) -> Iterator[tuple[str, str]]:
    for term, text in table.rows(replay.outcome):
        if wish.speed is not None or term not in _MEANINGLESS:
            yield term, text


def _listed(term: str, some: Sequence[T], told: Callable[[T], str]) -> Iterator[tuple[str, str]]:
    for each in some[:_MOST]:
        yield term, told(each)
    if len(some) > _MOST:
        yield term, f"and {wording.counted(len(some) - _MOST, 'more stream')}"
