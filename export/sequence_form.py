"""A module whose forward takes whole sequences, and whose states are its recurrent layers'.

The axes of its inputs and outputs are found by calling it with different numbers of sequences
and timesteps and looking at what changes.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from export.axes import ROWS, STEPS, Axes, axes_of, declared
from export.carried import Layer, State, layers_of, replaced
from export.samples import Sample
from export.signature import input_names
from export.source import ExportRefused
from export.tensors import Leaf, dtype_of, leaves, names_of
from export.timestep import Timestep, finite, state
from export.user_code import running
from service.core.model import Array
from service.repository import manifest

TIME_AXIS = {(ROWS, STEPS): 1, (STEPS, ROWS): 0}
"""Of the module's inputs, by the rows and timesteps that a layer gets of an input [ROWS, STEPS]."""


@dataclass(frozen=True, eq=False)
class Call:
    """One call of a recurrent layer."""

    rows: int
    steps: int
    initial: State | None
    """What the module gave it."""


@dataclass(frozen=True, eq=False)
class Seen:
    """One call of the module."""

    outputs: list[Leaf]
    """Without those that are a layer's state."""
    calls: dict[str, list[Call]]
    """By the layer's path."""


class SequenceForm:
    """Raises ExportRefused if the module has no recurrent layer that can be carried."""

    leading = (ROWS, STEPS)
    method = "forward"

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.layers = layers_of(module)
        self.input_names = input_names(module.forward)

    def run(self, inputs: Sequence[Tensor]) -> object:
        """Each input [N, T, *shape] or [T, N, *shape], as the module has it."""
        with warnings.catch_warnings():
            # Torch tells everyone that a projection has no faster kernel.
            warnings.filterwarnings("ignore", message="LSTM with projections")
            return self.module(*inputs)

    def timestep(self, sample: Sample) -> Timestep:
        """Raises ExportRefused if the module cannot be stepped."""
        time_axis = self._time_axis(sample)
        first = self._seen(sample(ROWS, STEPS), time_axis)
        names = names_of(first.outputs)
        axes = self._axes(names, first, sample, time_axis)
        step = _Step(self.module, self.layers, len(self.input_names), time_axis, axes)
        zeros = [np.zeros_like(array) for array in sample(ROWS, STEPS)]
        return Timestep(
            step=step,
            outputs=tuple(
                declared(name, leaf.tensor, axis)
                for name, leaf, axis in zip(names, first.outputs, axes, strict=True)
            ),
            states=tuple(self._states(first, self._seen(zeros, time_axis))),
            whole=lambda inputs: finite(self._whole(inputs, time_axis, axes), names),
            fused=_fused(self.layers),
        )

    def _time_axis(self, sample: Sample) -> int:
        """1 if the module's inputs are [N, T, ...], 0 if they are [T, N, ...]."""
        calls = self._seen(sample(ROWS, STEPS), time_axis=1).calls
        for layer in self.layers:
            count = len(calls[layer.path])
            if count != 1:
                raise ExportRefused(
                    f"{layer} is called {count} times in one forward: its state can be carried "
                    "only if it is called once, with the whole sequence"
                )
            [call] = calls[layer.path]
            if (call.rows, call.steps) not in TIME_AXIS:
                raise ExportRefused(
                    f"{layer} gets {call.steps} timesteps of {call.rows} sequences where the "
                    f"module got {STEPS} of {ROWS}: what is in front of it must leave both as they "
                    "are"
                )
        found = {TIME_AXIS[call.rows, call.steps] for [call] in calls.values()}
        if len(found) > 1:
            raise ExportRefused("the layers take different axes for time: see their batch_first")
        return found.pop()

    def _seen(self, inputs: Sequence[Array], time_axis: int) -> Seen:
        calls: dict[str, list[Call]] = {layer.path: [] for layer in self.layers}
        states: list[Tensor] = []

        def look(layer: Layer, x: Tensor, initial: State | None) -> tuple[Tensor, State]:
            steps, rows = (1, 0) if layer.module.batch_first else (0, 1)
            calls[layer.path].append(Call(x.shape[rows], x.shape[steps], initial))
            y, new = layer.run(x, initial)
            states.extend(new)
            return y, new

        tensors = [
            torch.from_numpy(np.ascontiguousarray(x)).transpose(1, time_axis) for x in inputs
        ]
        with running("forward"), torch.no_grad(), replaced(self.layers, look):
            result = leaves(self.run(tensors))
        return Seen(_without(result, states), calls)

    def _axes(
        self, names: Sequence[str], first: Seen, sample: Sample, time_axis: int
    ) -> tuple[Axes, ...]:
        if not names:
            raise ExportRefused(
                "forward returns nothing but the states of its layers: return an output beside "
                "them, or h[-1] for the top layer's state"
            )
        longer = self._seen(sample(ROWS, STEPS + 2), time_axis).outputs
        more = self._seen(sample(ROWS + 1, STEPS), time_axis).outputs
        if not len(first.outputs) == len(longer) == len(more):
            raise ExportRefused(
                f"forward returns {len(first.outputs)} tensors for {STEPS} timesteps and "
                f"{len(longer)} for {STEPS + 2}: return one, with an axis of the timesteps"
            )
        return tuple(
            axes_of(name, *(tuple(leaf.tensor.shape) for leaf in same))
            for name, *same in zip(names, first.outputs, longer, more, strict=True)
        )

    def _states(self, first: Seen, other: Seen) -> list[manifest.State]:
        """`first` and `other` are calls with different inputs."""
        states = []
        for layer in self.layers:
            [call], [another] = first.calls[layer.path], other.calls[layer.path]
            dtype = dtype_of(next(layer.module.parameters()))
            if dtype != "float32" and not layer.module.proj_size:
                raise ExportRefused(
                    f"{layer} is {dtype}, and its ONNX operator is served in float32 alone: "
                    "convert the module by .float()"
                )
            for place, (name, shape) in enumerate(layer.states):
                initial = None
                if call.initial is not None and another.initial is not None:
                    initial = _one_for_all(layer, call.initial[place], another.initial[place])
                states.append(state(name, initial, shape, dtype, batch_axis=1))
        return states

    def _whole(self, inputs: Sequence[Array], time_axis: int, axes: Sequence[Axes]) -> list[Array]:
        outputs = self._seen(inputs, time_axis).outputs
        lasts = []
        if any(axis.steps is None for axis in axes):
            steps = range(1, inputs[0].shape[1] + 1)
            lasts = [self._seen([x[:, :end] for x in inputs], time_axis).outputs for end in steps]
        return [
            np.moveaxis(leaf.tensor.numpy(), (axis.rows, axis.steps), (0, 1))
            if axis.steps is not None
            else np.stack(
                [np.moveaxis(last[place].tensor.numpy(), axis.rows, 0) for last in lasts], axis=1
            )
            for place, (leaf, axis) in enumerate(zip(outputs, axes, strict=True))
        ]


class _Step(nn.Module):
    """The module over a sequence of one timestep, the states of its layers given and taken."""

    def __init__(
        self,
        module: nn.Module,
        layers: Sequence[Layer],
        inputs: int,
        time_axis: int,
        axes: Sequence[Axes],
    ) -> None:
        super().__init__()
        self.module = module
        self._layers, self._inputs, self._time_axis, self._axes = layers, inputs, time_axis, axes

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        inputs = [x.unsqueeze(self._time_axis) for x in tensors[: self._inputs]]
        old = self._by_layer(tensors[self._inputs :])
        new: dict[str, State] = {}

        def carry(layer: Layer, x: Tensor, _: State | None) -> tuple[Tensor, State]:
            y, new[layer.path] = layer.step(x, old[layer.path])
            return y, new[layer.path]

        with replaced(self._layers, carry):
            result = leaves(self.module(*inputs))
        states = [tensor for layer in self._layers for tensor in new[layer.path]]
        outputs = [
            leaf.tensor if axis.steps is None else leaf.tensor.squeeze(axis.steps)
            for leaf, axis in zip(_without(result, states), self._axes, strict=True)
        ]
        return (*outputs, *states)

    def _by_layer(self, states: Sequence[Tensor]) -> dict[str, State]:
        ends = [0]
        for layer in self._layers:
            ends.append(ends[-1] + len(layer.states))
        return {
            layer.path: tuple(states[start:end])
            for layer, (start, end) in zip(self._layers, pairwise(ends), strict=True)
        }


def _fused(layers: Sequence[Layer]) -> Counter[str]:
    expected: Counter[str] = Counter()
    for layer in layers:
        if not layer.module.proj_size:
            expected[layer.kind] += layer.module.num_layers
    return expected


def _without(result: Sequence[Leaf], states: Sequence[Tensor]) -> list[Leaf]:
    """A module that also returns the states of its layers need not stream them."""
    return [leaf for leaf in result if all(leaf.tensor is not state for state in states)]


def _one_for_all(layer: Layer, some: Tensor, others: Tensor) -> Tensor:
    """The state [L, *] of every row of [L, B, *]."""
    if not all(torch.equal(rows, some[:, :1].expand_as(some)) for rows in (some, others)):
        raise ExportRefused(
            f"{layer} starts from a state that is not the same each time: a stream starts before "
            "its first input, so the state may be learned, but neither drawn nor made of an input"
        )
    return some[:, 0]
