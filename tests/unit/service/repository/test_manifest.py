from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from service.core.model import GoldenRun
from service.repository.manifest import (
    GOLDEN_KEY,
    MANIFEST_KEY,
    Manifest,
    ManifestError,
    Normalisation,
    State,
    Tensor,
    decode,
    encode,
    encode_array,
)

STEPS = 32
MANIFEST = Manifest(
    inputs=(
        Tensor(name="speed", shape=(2,), features=("left [m/s]", "right [m/s]")),
        Tensor(name="mode", dtype="int64", shape=()),
    ),
    outputs=(Tensor(name="torque", shape=(1,)),),
    states=(
        State(
            input=Tensor(name="h", shape=(2, 3), batch_axis=1),
            output="h_next",
            initial=encode_array(np.arange(6, dtype=np.float32).reshape(2, 3)),
        ),
        State(input=Tensor(name="c", shape=(3,)), output="c_next"),
    ),
    normalisation=Normalisation(mean={"speed": [0.0, 1.0]}, std={"speed": [1.0, 2.0]}),
    training={"task": "pendulum", "score": 0.5},
)
GOLDEN = GoldenRun(
    inputs=(
        np.random.default_rng(0).normal(size=(STEPS, 2)).astype(np.float32),
        np.arange(STEPS),
    ),
    outputs=(np.ones((STEPS, 1), np.float32),),
    atol=(1e-4,),
)


def test_what_is_encoded_is_decoded() -> None:
    manifest, golden = decode(encode(MANIFEST, GOLDEN))
    assert manifest == MANIFEST
    assert golden.atol == GOLDEN.atol
    assert golden.steps == STEPS
    for read, written in zip(
        golden.inputs + golden.outputs, GOLDEN.inputs + GOLDEN.outputs, strict=True
    ):
        assert read.dtype == written.dtype
        assert np.array_equal(read, written)


def test_one_tolerance_is_that_of_all_outputs() -> None:
    outputs = tuple(Tensor(name=name, shape=(1,)) for name in ("left", "right"))
    manifest = MANIFEST.model_copy(update={"outputs": outputs})
    golden = replace(GOLDEN, outputs=GOLDEN.outputs * 2, atol=(1e-4, 10.0))
    metadata = encode(manifest, golden)
    assert decode(metadata)[1].atol == (1e-4, 10.0)
    metadata[GOLDEN_KEY] = json.dumps(json.loads(metadata[GOLDEN_KEY]) | {"atol": 0.5})
    assert decode(metadata)[1].atol == (0.5, 0.5)


def test_the_signature_says_shapes_dtypes_and_initial_states() -> None:
    signature = MANIFEST.signature()
    assert [str(spec) for spec in signature.inputs] == ["speed: float32[2]", "mode: int64[]"]
    assert [spec.nbytes for spec in signature.inputs] == [8, 8]
    first, second = signature.states
    assert first.input.batched(5) == (2, 5, 3)
    assert first.initial.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert second.initial.tolist() == [0, 0, 0]


def test_a_memoryless_model_has_no_states() -> None:
    manifest = MANIFEST.model_copy(update={"states": ()})
    assert decode(encode(manifest, GOLDEN))[0].signature().states == ()


@pytest.mark.parametrize("key", [MANIFEST_KEY, GOLDEN_KEY])
def test_a_file_without_its_metadata_was_not_made_by_an_export(key: str) -> None:
    metadata = encode(MANIFEST, GOLDEN)
    del metadata[key]
    with pytest.raises(ManifestError, match=f"no metadata '{key}': it was not made by an export"):
        decode(metadata)


def broken(part: str, **change: object) -> dict[str, str]:
    metadata = encode(MANIFEST, GOLDEN)
    metadata[part] = json.dumps(json.loads(metadata[part]) | change)
    return metadata


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (broken(MANIFEST_KEY, format=2), "format: Input should be 1"),
        (broken(MANIFEST_KEY, inputs=[]), "inputs: Tuple should have at least 1 item"),
        (broken(MANIFEST_KEY, extra=1), "extra: Extra inputs are not permitted"),
        (
            broken(MANIFEST_KEY, outputs=[{"name": "y", "shape": [0]}]),
            "outputs.0.shape.0: Input should be greater than 0",
        ),
        (
            broken(MANIFEST_KEY, outputs=[{"name": "y", "shape": [1], "dtype": "object"}]),
            "outputs.0.dtype: Value error, 'object' is not one of",
        ),
        (
            broken(MANIFEST_KEY, outputs=[{"name": "y", "shape": [1], "batch_axis": 2}]),
            "batch axis 2 lies beyond",
        ),
        (
            broken(MANIFEST_KEY, outputs=[{"name": "y", "shape": [2], "features": ["a"]}]),
            "1 feature names for shape",
        ),
        (
            broken(MANIFEST_KEY, outputs=[{"name": "h_next", "shape": [1]}]),
            "tensor 'h_next' is named 2 times",
        ),
        (broken(GOLDEN_KEY, steps=31), "steps: Input should be greater than or equal to 32"),
        (broken(GOLDEN_KEY, steps=33), "do not make float32"),
        (broken(GOLDEN_KEY, atol={"speed": 1}), r"tolerances of \['speed'\], not of the outputs"),
        (broken(GOLDEN_KEY, atol={"torque": 0}), "atol"),
        (broken(GOLDEN_KEY, outputs={}), "not the tensors of the signature"),
        (broken(GOLDEN_KEY, outputs={"torque": "?"}), "base64|padding"),
        ({MANIFEST_KEY: "{", GOLDEN_KEY: "{}"}, "Invalid JSON"),
    ],
)
def test_a_wrong_manifest_is_refused_with_its_place(metadata: dict[str, str], message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        decode(metadata)
