"""What a package says of its graph: by itself, or by the `model.toml` beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from service.core.errors import ModelRefused
from service.core.graph import GraphFacts
from service.core.model import Array, GoldenRun, Signature
from service.repository.foreign.declaration import Declaration, DeclarationError, read
from service.repository.foreign.golden import golden_run
from service.repository.foreign.inference import Inference, infer, signature
from service.repository.manifest import GOLDEN_KEY, MANIFEST_KEY, ManifestError, decode


class Description(NamedTuple):
    signature: Signature
    constants: Mapping[str, Array]
    """Inputs that are the same in every run."""
    golden: GoldenRun | None
    inferred: str = ""
    """In one line, what the package does not say by itself."""


def describe(facts: GraphFacts, declaration: Path | None) -> Description:
    """`declaration`: the package's `model.toml`. Raises ModelRefused."""
    try:
        if is_described(facts):
            if declaration is not None:
                raise ModelRefused(
                    "model.onnx describes itself by its metadata: remove the model.toml beside it"
                )
            manifest, golden = decode(facts.metadata)
            return Description(manifest.signature(), {}, golden)
        return _foreign(facts, declaration)
    except (ManifestError, DeclarationError) as error:
        raise ModelRefused(str(error)) from error


def is_described(facts: GraphFacts) -> bool:
    """Whether the file carries a manifest, as exports write it."""
    return MANIFEST_KEY in facts.metadata or GOLDEN_KEY in facts.metadata


def _foreign(facts: GraphFacts, path: Path | None) -> Description:
    declared = read(path) if path else Declaration()
    inferred = infer(facts, declared)
    if inferred.problems:
        first, *more = inferred.problems
        rest = f"; `stepwire inspect` tells {len(more)} more" if more else ""
        raise ModelRefused(f"{first}{rest}")
    found = signature(inferred, declared)
    golden = golden_run(declared.golden, found, path.parent) if path and declared.golden else None
    return Description(found, inferred.constants, golden, _summary(inferred, found))


def _summary(inferred: Inference, found: Signature) -> str:
    parts = {
        "inputs": ", ".join(map(str, found.inputs)),
        "outputs": ", ".join(map(str, found.outputs)),
        "states": ", ".join(f"{state.input} from {state.output}" for state in found.states),
        "constants": ", ".join(inferred.constants),
    }
    return "; ".join(f"{part} {text or 'none'}" for part, text in parts.items())
