"""What becomes of a model's streams when a newer version comes: a decision, pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from service.core.model import Signature, TensorSpec


class Swap(StrEnum):
    DRAIN = "drain"
    """The streams finish on the version that they have."""
    HANDOVER = "handover"
    """They go on with their states on the newer one, where both declare the same."""


def obstacle(former: Signature, newer: Signature) -> str:
    """Why a state of the former version must not go on at the newer one; empty if it may.

    The numbers of a state and the meaning of inputs and outputs must be the same: names, shapes,
    dtypes, features and symbols, and of states the batch axis too.
    """
    return (
        _difference("input", _as_sent(former.inputs), _as_sent(newer.inputs))
        or _difference("output", _as_sent(former.outputs), _as_sent(newer.outputs))
        or _difference("state", _states(former), _states(newer))
        or ("one of them takes NaN and Inf" if _differ_in_finiteness(former, newer) else "")
    )


def _as_sent(specs: Sequence[TensorSpec]) -> list[TensorSpec]:
    """Clients never see the batch axis."""
    return [replace(spec, batch_axis=0) for spec in specs]


def _states(signature: Signature) -> list[TensorSpec]:
    return [state.input for state in signature.states]


def _differ_in_finiteness(former: Signature, newer: Signature) -> bool:
    return former.takes_non_finite is not newer.takes_non_finite


def _difference(kind: str, former: Sequence[TensorSpec], newer: Sequence[TensorSpec]) -> str:
    if len(former) != len(newer):
        return f"it has {len(former)} {kind}s, the newer version {len(newer)}"
    for old, new in zip(former, newer, strict=True):
        if str(old) != str(new):
            return f"its {kind} {old} is {new} in the newer version"
        if old.batch_axis != new.batch_axis:
            axes = f"{old.batch_axis}, and {new.batch_axis}"
            return f"its {kind} {old} has batch axis {axes} in the newer version"
        if old != new:
            return f"its {kind} {old} has other features or symbols in the newer version"
    return ""
