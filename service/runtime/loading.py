"""From a graph to a stepper that may serve."""

from __future__ import annotations

from service.core.model import GoldenRun, Signature
from service.runtime.golden import replay
from service.runtime.graph import Graph
from service.runtime.probe import probe
from service.runtime.stepper import Stepper


def proven_stepper(graph: Graph, signature: Signature, golden: GoldenRun) -> Stepper:
    """Probes the isolation of rows, then replays the golden run. Raises ModelRefused."""
    function = graph.step_function(signature)
    batching = probe(function, signature, golden)
    replay(Stepper(function, signature, batching), golden)
    return Stepper(function, signature, batching)
