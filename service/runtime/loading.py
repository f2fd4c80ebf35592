"""From a graph to a stepper that may serve."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from service.core.errors import ModelRefused
from service.core.model import Array, GoldenRun, Signature
from service.runtime.arena import Arena, MakeStates
from service.runtime.device import Device
from service.runtime.golden import ELSEWHERE, replay
from service.runtime.graph import Graph
from service.runtime.probe import probe
from service.runtime.stepper import Stepper
from service.runtime.telling import line
from service.runtime.timing import run_cost
from service.runtime.trial import random_inputs, rehearse

_CROWD, _FEWEST = 256, 7
"""Rows that the probe runs together, and the fewest that tell anything."""
_RANDOM = "random inputs, for want of a golden run"


def proven_stepper(
    graph: Graph,
    signature: Signature,
    golden: GoldenRun | None,
    constants: Mapping[str, Array] | None = None,
    *,
    max_batch: int = 1,
    states: MakeStates = Arena,
) -> Stepper:
    """Probes the isolation of rows, then replays the golden run; without one, a trial run.

    `constants`: inputs beside those of the signature. `max_batch`: rows of a run, for which the
    device is made ready. `states`: makes what keeps the states of streams.

    Raises ModelRefused, and MemoryError.
    """
    ready = f"it cannot be made ready on {graph.device.name}"
    inputs = golden.inputs if golden else random_inputs(signature)
    with _refused(ready):
        function = graph.bound(signature, constants)
    crowd = _crowd(graph.device)
    with _refused(f"it does not run with {crowd} streams at a time"):
        closely = not graph.device.is_host
        batching = probe(function.by_feeds, signature, inputs, crowd=crowd, closely=closely)
    with _refused(f"it does not run with {'its golden run' if golden else _RANDOM}"):
        stepper = Stepper(function, signature, batching)
        if golden:
            replay(stepper, golden, 1.0 if graph.device.is_host else ELSEWHERE)
        else:
            rehearse(stepper, inputs)
    with _refused(ready):
        stepper.warm_up(max_batch)
        cost = run_cost(Stepper(function, signature, batching), inputs, graph.threads)
        return Stepper(function, signature, batching, cost, states)


@contextmanager
def _refused(failing: str) -> Iterator[None]:
    """Raises ModelRefused where what is within fails; want of memory goes on as it is."""
    try:
        yield
    except (ModelRefused, MemoryError):
        raise
    except Exception as error:  # ONNX Runtime has no common base class
        raise ModelRefused(f"{failing}: {line(error)}") from error


def _crowd(device: Device) -> int:
    """Rows that the probe runs together: on a device whose runs all have one size, so many."""
    fixed = device.padded(1)
    return min(_CROWD, fixed) if fixed > _FEWEST else _CROWD
