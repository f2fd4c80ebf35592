"""The faults of a run: rows whose inputs may not be run, or whose results may not be kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from service.core.batch import Fault
from service.core.errors import StepFault
from service.core.model import Array, Signature, TensorSpec
from service.runtime.device import CPU, Device, DeviceArray

Faults = dict[int, Fault]
"""By row."""


def refuse_symbols(inputs: Sequence[Array], signature: Signature, faults: Faults) -> None:
    """Of numbers that are no symbols 0 is left in `inputs`: graphs look symbols up.

    `inputs`: as the graph takes them, to be written.
    """
    for array, spec in zip(inputs, signature.inputs, strict=True):
        if not spec.symbols:
            continue
        known = (array >= 0) & (array < len(spec.symbols))
        if not known.all():
            array[~known] = 0
            message = f"input {spec.name!r} has symbols 0 to {len(spec.symbols) - 1}"
            _add(faults, StepFault.INVALID_INPUT, message, _rows_with_false(known, spec))


def checked_inputs(signature: Signature) -> list[TensorSpec]:
    """Those that may hold neither NaN nor Inf."""
    if signature.takes_non_finite:
        return []
    return [spec for spec in signature.inputs if spec.dtype.kind == "f"]


def refuse_non_finite(inputs: Sequence[Array], signature: Signature, faults: Faults) -> None:
    """`inputs`: as the graph takes them."""
    checked = checked_inputs(signature)
    for array, spec in zip(inputs, signature.inputs, strict=True):
        if spec in checked:
            message = f"input {spec.name!r} holds NaN or Inf"
            _add(faults, StepFault.INVALID_INPUT, message, _non_finite_rows(array, spec, CPU))


def refuse_results(
    results: Sequence[DeviceArray], specs: Sequence[TensorSpec], faults: Faults, device: Device
) -> None:
    """`results`: as the graph gives them, on `device`."""
    for array, spec in zip(results, specs, strict=True):
        message = f"its result is not finite, in {spec.name!r}"
        rows = _non_finite_rows(array, spec, device)
        _add(faults, StepFault.RESULT_NOT_FINITE, message, rows)


def _add(faults: Faults, fault: StepFault, message: str, rows: Sequence[int]) -> None:
    """A row keeps the first that was found of it."""
    for row in rows:
        faults.setdefault(row, Fault(fault, message))


def _non_finite_rows(array: DeviceArray, spec: TensorSpec, device: Device) -> list[int]:
    if spec.dtype.kind != "f" or device.finite([array]):
        return []
    return _rows_with_false(device.fetch(device.xp.isfinite(array)), spec)


def _rows_with_false(good: Array, spec: TensorSpec) -> list[int]:
    by_row = spec.rows_first(good).reshape(good.shape[spec.batch_axis], -1)
    return [int(row) for row in np.flatnonzero(~by_row.all(axis=1))]
