"""Random inputs that fit a model."""

from __future__ import annotations

import numpy as np
import pytest

from loadtest.inputs import Timesteps, random_timesteps
from stepwire.tensors import Signature, Tensor
from stepwire.v1 import stream_pb2 as pb


def tensor(dtype: str, *shape: int, symbols: int = 0) -> Tensor:
    names = [f"s{number}" for number in range(symbols)]
    return Tensor(pb.TensorSpec(name="x", dtype=dtype, shape=shape, symbols=names))


def drawn(of: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    return np.array([of.decode(timestep[0]) for timestep in random_timesteps([of], seed=1)])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floats_are_finite_and_of_unit_deviation(dtype: str) -> None:
    values = drawn(tensor(dtype, 8)).astype(np.float64)
    assert np.isfinite(values).all()
    assert values.mean() == pytest.approx(0.0, abs=0.1)
    assert values.std() == pytest.approx(1.0, abs=0.1)


def test_symbols_are_all_that_the_model_declares_and_no_other() -> None:
    assert set(drawn(tensor("int64", 1, symbols=5)).ravel().tolist()) == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool"])
def test_whole_numbers_without_symbols_are_0_or_1(dtype: str) -> None:
    assert set(drawn(tensor(dtype, 3)).ravel().tolist()) == {0, 1}


def test_the_same_seed_gives_the_same_bytes() -> None:
    of = [tensor("float32", 4), tensor("int32", 1)]
    assert random_timesteps(of, 3) == random_timesteps(of, 3) != random_timesteps(of, 4)


def test_large_inputs_are_few() -> None:
    assert len(random_timesteps([tensor("uint8", 6 * 2**20)], 0)) == 2


def test_streams_are_given_different_timesteps() -> None:
    timesteps = Timesteps(seed=0)
    spec = pb.TensorSpec(name="x", dtype="float32", shape=[2])
    timesteps.fit(Signature(pb.Signature(inputs=[spec])))
    assert timesteps.of(0, 0) != timesteps.of(1, 0) != timesteps.of(1, 1)
    assert timesteps.of(0, 0) == timesteps.of(0, 251)
