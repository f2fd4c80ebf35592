"""Bound runs: of a graph whose tensors are bound to memory by their addresses, once for all runs
of as many rows.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
import onnxruntime as ort

from service.core.batch import BatchResult
from service.core.model import Array, Signature, Tensors
from service.core.slots import Index, count
from service.runtime.arena import Arena, StateRows
from service.runtime.batching import Batching, Taken
from service.runtime.buffers import Buffers, Rows
from service.runtime.device import CPU, Device
from service.runtime.faults import Faults, refuse_non_finite, refuse_results, refuse_symbols
from service.runtime.layout import aligned, places, size, tensors
from service.runtime.loss import raise_if_lost
from service.runtime.plain import PlainRuns, StepFunction

K = TypeVar("K")
V = TypeVar("V")

_KEPT = 256
"""Numbers of rows, the last that ran, whose bindings are kept. Nearly all have the same memory."""
_WARM = 3
"""Runs of a size, before a device has chosen its kernels and has all its memory."""


class BoundGraph:
    """One run at a time: all have the same memory. A StepFunction, too."""

    def __init__(
        self,
        session: ort.InferenceSession,
        signature: Signature,
        device: Device,
        constants: Mapping[str, Array],
        by_feeds: StepFunction | None = None,
    ) -> None:
        """`constants`: inputs beside those of the signature, the same in every run.

        `by_feeds`: computes the same bits, and tells better why a run fails.
        """
        self.device = device
        self.signature = signature
        self.by_feeds: StepFunction = by_feeds or self
        self._session = session
        self._tensors = tensors(signature)
        names = {spec.name for spec in signature.inputs}
        self._crossing = [t for t in self._tensors if not t.given and t.name in names]
        self._constants = {
            name: device.put(np.ascontiguousarray(array)) for name, array in constants.items()
        }
        self._options = _run_options(device)
        self._block = aligned(device, 0)
        self._host: Array = np.zeros(0, np.uint8)
        self._buffers: OrderedDict[int, Buffers] = OrderedDict()
        """By the number of rows in a run."""
        self._rows: OrderedDict[tuple[int, int], Rows] = OrderedDict()

    def rows(self, rows: int, least: int = 1) -> Rows:
        """Buffers for so many, in a run of `least` or more."""
        known = _found(self._rows, (rows, least))
        if known is None:
            buffers = self._buffers_of(self.device.padded(max(rows, least)))
            known = Rows(buffers, self.signature, rows)
            _keep(self._rows, (rows, least), known)
        return known

    def run(self, rows: Rows) -> tuple[list[Array], bool]:
        """The outputs, one [rows, *shape] each and the caller's; and whether all that is checked
        is finite.

        The new states are in the buffers. Raises what ONNX Runtime raises.
        """
        buffers, device = rows.buffers, self.device
        rows.fill_up()
        if device.is_host:
            self._session.run_with_iobinding(buffers.binding)
            finite = device.finite(buffers.checked)
            return [array.copy() for array in rows.outputs], finite
        device.use()
        try:
            for host, array in zip(buffers.host_inputs, buffers.inputs, strict=True):
                device.upload(host, array)
            self._session.run_with_iobinding(buffers.binding, self._options)
            whole = [device.room(array.shape, array.dtype) for array in buffers.outputs]
            for array, host in zip(buffers.outputs, whole, strict=True):
                device.download(array, host)
            finite = device.finite(buffers.checked)
        except Exception:
            device.synchronize()  # the next run writes where this one may still read
            raise
        return rows.downloaded(whole), finite

    def __call__(self, feeds: Mapping[str, Array]) -> list[Array]:
        inputs = self.signature.inputs
        states = [state.input for state in self.signature.states]
        first = [*inputs, *states][0]
        rows = self.rows(feeds[first.name].shape[first.batch_axis])
        for array, spec in zip(rows.inputs, inputs, strict=True):
            array[...] = feeds[spec.name]
        everyone = slice(0, rows.count)
        arena = Arena(self.signature.states, self.device)
        arena.reserve(rows.count)
        arena.scatter(everyone, [self.device.put(feeds[spec.name]) for spec in states])
        arena.gather(everyone, rows.buffers.states)
        outputs, _ = self.run(rows)
        states_after = [self.device.fetch(array).copy() for array in rows.new_states]
        return [*_in_place(outputs, self.signature), *states_after]

    def warm_up(self, rows: int, least: int) -> None:
        """Runs every number of rows that runs are padded to. Raises what a run raises.

        On the host there is nothing to do: no run waits for another's first.
        """
        if self.device.is_host:
            return
        sizes = {self.device.padded(max(number, least)) for number in range(1, rows + 1)}
        self.device.use()
        for number in sorted(sizes, reverse=True):  # the largest makes room for all
            ready = self.rows(number, least)
            for array in (*ready.inputs, *ready.buffers.states):
                array.fill(0)  # what lies there may be no symbol
            for _ in range(_WARM):
                self.run(ready)

    def _buffers_of(self, rows: int) -> Buffers:
        known = _found(self._buffers, rows)
        if known is None:
            found = places(self._tensors, rows)
            crossing = found if self.device.is_host else places(self._crossing, rows)
            self._make_room(size(found), size(crossing))
            known = Buffers(self.signature, found, self._block, crossing, self._host)
            known.bind(self._session.io_binding(), self.device, self._constants)
            _keep(self._buffers, rows, known)
        return known

    def _make_room(self, nbytes: int, host_nbytes: int) -> None:
        """What is bound already stays where it is."""
        if nbytes > len(self._block):
            self._block = aligned(self.device, max(nbytes, 2 * len(self._block)))
        if self.device.is_host:
            self._host = self._block
        elif host_nbytes > len(self._host):
            larger = max(host_nbytes, 2 * len(self._host))
            self._host = self.device.host((larger,), np.dtype(np.uint8))


class BoundRuns:
    def __init__(self, graph: BoundGraph, signature: Signature, batching: Batching) -> None:
        self.device = graph.device
        self._graph = graph
        self._signature = signature
        self._least = 2 if batching is Batching.AT_LEAST_TWO else 1
        self._plain = PlainRuns(graph.by_feeds, signature, batching)
        self._has_symbols = any(spec.symbols for spec in signature.inputs)

    def warm_up(self, rows: int) -> None:
        self._graph.warm_up(rows, self._least)

    def take(self, states: StateRows, slots: Index, inputs: Sequence[Tensors]) -> Taken:
        number = count(slots)
        faults: Faults = {}
        rows = self._graph.rows(number, self._least)
        rows.fill(inputs)
        if self._has_symbols:
            refuse_symbols(rows.inputs, self._signature, faults)
        states.gather(slots, rows.buffers.states)
        return Taken(number, rows.arrays, faults)

    def run(self, taken: Taken) -> BatchResult:
        number, _, faults = taken
        rows = self._graph.rows(number, self._least)
        try:
            outputs, finite = self._graph.run(rows)
        except Exception as error:  # ONNX Runtime has no common base class
            raise_if_lost(error)
            return self._run_by_feeds(taken)
        if not finite:
            self._refuse(rows, outputs, faults)
        return BatchResult(outputs, rows.new_states, faults)

    def _refuse(self, rows: Rows, outputs: Sequence[Array], faults: Faults) -> None:
        signature = self._signature
        refuse_non_finite(rows.inputs, signature, faults)
        refuse_results(_in_place(outputs, signature), signature.outputs, faults, CPU)
        states = [state.input for state in signature.states]
        refuse_results(rows.new_states, states, faults, self.device)

    def _run_by_feeds(self, taken: Taken) -> BatchResult:
        """Finds out which row breaks the run, and has the others run."""
        number, arrays, faults = taken
        inputs = len(self._signature.inputs)
        copies = [*arrays[:inputs], *map(self.device.fetch, arrays[inputs:])]
        copies = [array.copy() for array in copies]
        refuse_non_finite(copies[:inputs], self._signature, faults)
        result = self._plain.run(Taken(number, copies, faults))
        result.states = [self.device.put(array) for array in result.states]
        return result


def _in_place(outputs: Sequence[Array], signature: Signature) -> list[Array]:
    return [spec.in_place(array) for spec, array in zip(signature.outputs, outputs, strict=True)]


def _found(known: OrderedDict[K, V], key: K) -> V | None:
    """It is the last that is dropped from here on."""
    if key not in known:
        return None
    known.move_to_end(key)
    return known[key]


def _keep(known: OrderedDict[K, V], key: K, value: V) -> None:
    """Drops the one that was not asked for the longest where there are too many."""
    known[key] = value
    if len(known) > _KEPT:
        known.popitem(last=False)


def _run_options(device: Device) -> ort.RunOptions | None:
    if not device.run_config:
        return None
    options = ort.RunOptions()
    for key, value in device.run_config.items():
        options.add_run_config_entry(key, value)
    return options
