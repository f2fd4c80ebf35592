"""A module that is one timestep by itself, and says which of its tensors are states.

    class Cell(nn.Module):
        states = {"h": (48,)}

        def step(self, x, h):
            h = torch.tanh(self.input(x) + self.recurrent(h))
            return self.head(h), h

`states` gives each state by the name of step's parameter: a shape without the batch axis, for
zeros, or a tensor of that shape, which is the initial state. Without a method `step`, forward is
the step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from export.samples import Sample
from export.signature import POSITIONAL, input_names, parameters_of
from export.source import ExportRefused
from export.tensors import Leaf, dtype_of, leaves, names_of, tensor_of
from export.timestep import Timestep, finite, state, stepped
from export.user_code import running
from service.core.model import Array

ROWS = 3
EXAMPLE = 'states = {"h": (48,)}'


def says_its_states(module: nn.Module) -> bool:
    with running("reading states"):
        return hasattr(module, "states")


class StepForm:
    """Raises ExportRefused if `states` and the step's parameters do not belong together."""

    leading = (ROWS,)

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.method = "step" if hasattr(module, "step") else "forward"
        self.parameters = parameters_of(getattr(module, self.method))
        self.states = self._in_order(_initial(module))
        self.input_names = tuple(
            p.name
            for p in self.parameters
            if p.kind in POSITIONAL and p.name not in self.states and p.default is p.empty
        )
        if not self.input_names:
            raise ExportRefused(f"{self.method} takes no input beside its states")

    def run(self, inputs: Sequence[Tensor]) -> object:
        """Each input [N, *shape], from the initial states."""
        rows = len(inputs[0])
        return self.call(
            inputs, [value.expand(rows, *value.shape) for value in self.states.values()]
        )

    def call(self, inputs: Sequence[Tensor], states: Sequence[Tensor]) -> object:
        """By the names of the step's parameters, or in order if it takes `*states`."""
        step = getattr(self.module, self.method)
        if any(p.kind is p.VAR_POSITIONAL for p in self.parameters):
            return step(*inputs, *states)
        return step(**dict(zip((*self.input_names, *self.states), (*inputs, *states), strict=True)))

    def timestep(self, sample: Sample) -> Timestep:
        """Raises ExportRefused if the step does not give its outputs and then its new states."""
        inputs = [torch.from_numpy(array[:, 0].copy()) for array in sample(ROWS, 1)]
        with running(self.method), torch.no_grad():
            outputs, new = self.parted(self.run(inputs))
        self._check_states(new)
        names = names_of(outputs)
        for name, leaf in zip(names, outputs, strict=True):
            if leaf.tensor.shape[:1] != (ROWS,):
                raise ExportRefused(
                    f"output {name!r} has shape {list(leaf.tensor.shape)} for {ROWS} streams: the "
                    "batch axis comes first"
                )
        timestep = Timestep(
            step=_Step(self),
            outputs=tuple(
                tensor_of(name, dtype_of(leaf.tensor), leaf.tensor.shape[1:])
                for name, leaf in zip(names, outputs, strict=True)
            ),
            states=tuple(
                state(name, value, value.shape, dtype_of(value), batch_axis=0)
                for name, value in self.states.items()
            ),
            whole=lambda inputs: finite(self._whole(timestep, inputs), names),
        )
        return timestep

    def parted(self, result: object) -> tuple[list[Leaf], list[Tensor]]:
        """The outputs, and the new states, which come last, in order or in a dict by name.

        Raises ExportRefused.
        """
        every = leaves(result)
        count = len(self.states)
        if len(every) <= count:
            raise ExportRefused(
                f"{self.method} returns {len(every)} tensors: its outputs and then its new states "
                f"({', '.join(self.states)}) are needed"
            )
        outputs, new = every[: len(every) - count], every[len(every) - count :]
        by_name = {leaf.key: leaf.tensor for leaf in new}
        if by_name.keys() == self.states.keys():
            return outputs, [by_name[name] for name in self.states]
        return outputs, [leaf.tensor for leaf in new]

    @property
    def has_whole(self) -> bool:
        """Whether the module has a forward over sequences beside its step."""
        own = getattr(type(self.module), "forward", None)
        return self.method == "step" and own is not nn.Module.forward

    def _in_order(self, initial: Mapping[str, Tensor]) -> dict[str, Tensor]:
        taken = [p.name for p in self.parameters if p.kind in POSITIONAL]
        if any(p.kind is p.VAR_POSITIONAL for p in self.parameters):
            return dict(initial)
        for name in initial:
            if name not in taken:
                raise ExportRefused(
                    f"states names {name!r}, which {self.method}({', '.join(taken)}) does not take"
                )
        return {name: initial[name] for name in taken if name in initial}

    def _check_states(self, new: Sequence[Tensor]) -> None:
        for (name, old), tensor in zip(self.states.items(), new, strict=True):
            if tensor.shape != (ROWS, *old.shape) or tensor.dtype != old.dtype:
                raise ExportRefused(
                    f"state {name!r} is {dtype_of(old)}{[ROWS, *old.shape]} for {ROWS} streams, "
                    f"but {self.method} renews it as {dtype_of(tensor)}{list(tensor.shape)}"
                )

    def _whole(self, timestep: Timestep, inputs: Sequence[Array]) -> list[Array]:
        if not self.has_whole:
            return stepped(timestep, inputs)
        expected = len(self.input_names)
        if len(input_names(self.module.forward)) != expected:
            raise ExportRefused("forward and step take different inputs")
        with running("forward"), torch.no_grad():
            outputs = leaves(
                self.module(*(torch.from_numpy(np.ascontiguousarray(x)) for x in inputs))
            )
        arrays = [leaf.tensor.numpy() for leaf in outputs[: len(timestep.outputs)]]
        for declared, array in zip(timestep.outputs, arrays, strict=True):
            wanted = (*inputs[0].shape[:2], *declared.shape)
            if array.shape != wanted:
                raise ExportRefused(
                    f"forward gives {declared.name!r} with shape {list(array.shape)}, step would "
                    f"make it {list(wanted)}: beside a step, forward takes and gives "
                    "[sequences, timesteps, ...]"
                )
        return arrays


class _Step(nn.Module):
    def __init__(self, form: StepForm) -> None:
        super().__init__()
        self.module, self._form = form.module, form

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        count = len(self._form.input_names)
        outputs, new = self._form.parted(self._form.call(tensors[:count], tensors[count:]))
        return (*(leaf.tensor for leaf in outputs), *new)


def _initial(module: nn.Module) -> dict[str, Tensor]:
    with running("reading states"):
        states = module.states
    if not isinstance(states, Mapping) or not states:
        raise ExportRefused(f"states must say the shape of each state by name: {EXAMPLE}")
    return {str(name): _tensor(name, value) for name, value in states.items()}


def _tensor(name: object, value: object) -> Tensor:
    if isinstance(value, Tensor):
        return value.detach()
    sizes = (value,) if isinstance(value, int) else value
    if isinstance(sizes, tuple | list) and all(isinstance(n, int) and n > 0 for n in sizes):
        return torch.zeros(tuple(sizes))
    raise ExportRefused(f"state {name!r} is {value!r}: give a shape or a tensor, as in {EXAMPLE}")
