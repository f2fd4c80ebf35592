"""The outcomes of an order in every process, as one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from service.core.streams import ModelKey
from service.operations.orders import ModelState, Outcome, Standing

_WORST_FIRST = (Standing.REFUSED, Standing.DRAINING, Standing.NOT_LOADED, Standing.SERVING)

_Told = tuple[str, ModelState]
"""A worker's name, and what it says."""


def combined(outcomes: Sequence[Outcome]) -> Outcome:
    """A failure if one has failed; it says where."""
    failed = [outcome for outcome in outcomes if outcome.error]
    if failed:
        message = "; ".join(_by(each.worker, each.message) for each in failed)
        return Outcome(error=failed[0].error, message=message)
    return Outcome(
        _models(outcomes),
        moved=sum(each.moved for each in outcomes),
        notes=tuple(_by(each.worker, note) for each in outcomes for note in each.notes),
    )


def _models(outcomes: Iterable[Outcome]) -> tuple[ModelState, ...]:
    told: dict[ModelKey, list[_Told]] = {}
    for outcome in outcomes:
        for state in outcome.models:
            told.setdefault(state.key, []).append((outcome.worker, state))
    return tuple(_model(told[key]) for key in sorted(told))


def _model(told: Sequence[_Told]) -> ModelState:
    """With the worst standing of all; where they differ, the reason says who has which."""
    states = [state for _, state in told]
    worst = min(states, key=lambda state: _WORST_FIRST.index(state.standing))
    reason = worst.reason
    if len({(state.standing, state.reason) for state in states}) > 1:
        reason = "; ".join(_by(worker, _standing(state)) for worker, state in told)
    digest = next((state.digest for state in states if state.digest), "")
    streams = sum(state.streams for state in states)
    return replace(worst, reason=reason, digest=digest, streams=streams)


def _standing(state: ModelState) -> str:
    return f"{state.standing}, {state.reason}" if state.reason else state.standing


def _by(worker: str, text: str) -> str:
    return f"worker {worker}: {text}" if worker else text
