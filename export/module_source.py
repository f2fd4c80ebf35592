"""A user's own module as the source of an export."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError
from torch import nn

from export import samples, target, weights
from export.inputs import declared, settled, symbol_counts
from export.samples import Sample
from export.sequence_form import SequenceForm
from export.source import ExportRefused, Source
from export.step_form import StepForm, says_its_states
from export.timestep import Timestep, check_same
from export.user_code import running
from service.repository import manifest

Form = SequenceForm | StepForm

NUMBERED = 65536
"""The most symbols that are told to every client; of a larger embedding none are, and the graph
takes a number below 0 as counted from the end."""


def source_of(
    name: str,
    *,
    filled_from: Path | None = None,
    inputs: Sequence[str] = (),
    recorded: Path | None = None,
) -> Source:
    """Of the module `name`, such as `package.module:attribute`.

    `filled_from`: a file of weights; without one the module keeps its own. `inputs`: such as
    `x=float32[3]`, for what cannot be found by trial. `recorded`: a file of inputs for the proof;
    without one they are drawn by chance. Raises ExportRefused.
    """
    module = target.load(name)
    with running(name):  # whatever a user's module raises, wherever it is asked
        return _source(name, module.cpu().eval(), filled_from, inputs, recorded)


def _source(
    name: str,
    module: nn.Module,
    filled_from: Path | None,
    inputs: Sequence[str],
    recorded: Path | None,
) -> Source:
    if filled_from is not None:
        weights.fill(module, filled_from)
    about = {
        "module": name,
        "weights": filled_from.name if filled_from else "the module's own",
        "parameters": sum(parameter.numel() for parameter in module.parameters()),
    }
    form = StepForm(module) if says_its_states(module) else SequenceForm(module)
    tensors, sample = _inputs(form, inputs, recorded)
    timestep = form.timestep(sample)
    check_same(timestep, sample)
    return Source(
        manifest=_manifest(tensors, timestep, about),
        step=timestep.step,
        whole=timestep.whole,
        sample=sample,
        sampled=recorded.name if recorded else "inputs drawn by chance",
        fused=timestep.fused,
    )


def _inputs(
    form: Form, texts: Sequence[str], path: Path | None
) -> tuple[tuple[manifest.Tensor, ...], Sample]:
    arrays = samples.recorded(path, form.input_names) if path else {}
    said: dict[str, manifest.Tensor] = {}
    for tensor in map(declared, texts):
        if tensor.name in said:
            raise ExportRefused(f"--input {tensor.name!r} is given twice")
        said[tensor.name] = tensor
    tensors = settled(form, {**samples.declarations(arrays), **said})
    with running(form.method):
        counts = symbol_counts(form, tensors)
    sample = samples.replayed(path, arrays, tensors) if path else samples.drawn(tensors, counts)
    return tuple(_with_symbols(tensor, counts.get(tensor.name, 0)) for tensor in tensors), sample


def _with_symbols(tensor: manifest.Tensor, count: int) -> manifest.Tensor:
    """An embedding has no names for its symbols: their numbers must do."""
    if not 0 < count <= NUMBERED:
        return tensor
    return tensor.model_copy(update={"symbols": tuple(map(str, range(count)))})


def _manifest(
    tensors: tuple[manifest.Tensor, ...], timestep: Timestep, training: dict[str, object]
) -> manifest.Manifest:
    given = [*(output.name for output in timestep.outputs), *(s.output for s in timestep.states)]
    for tensor in (*tensors, *(state.input for state in timestep.states)):
        if tensor.name in given:
            raise ExportRefused(
                f"{tensor.name!r} is the name of an input and of an output: rename one"
            )
    try:
        return manifest.Manifest(
            inputs=tensors, outputs=timestep.outputs, states=timestep.states, training=training
        )
    except ValidationError as error:
        raise ExportRefused(manifest.first_fault(error)) from error
