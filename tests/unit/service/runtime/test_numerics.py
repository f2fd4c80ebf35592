from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import onnxruntime
import pytest

from service.runtime.numerics import numerics, processor_of


def cuda(model: str = "NVIDIA L4", version: int = 13020, rows: int = 1) -> Any:
    runtime = SimpleNamespace(
        getDeviceProperties=lambda number: {"name": model.encode()},
        runtimeGetVersion=lambda: version,
    )
    xp = SimpleNamespace(cuda=SimpleNamespace(runtime=runtime))
    return SimpleNamespace(is_host=False, xp=xp, binding=("cuda", 0), padded=lambda _: rows)


def test_the_cpu_is_named_by_its_class() -> None:
    name = numerics()
    assert name.startswith(f"onnxruntime {onnxruntime.__version__} CPU ")


def test_a_cuda_device_is_named_by_its_model_and_libraries() -> None:
    assert processor_of(cuda()) == "NVIDIA L4"
    runtime = f"onnxruntime {onnxruntime.__version__}"
    assert numerics(cuda()) == f"{runtime} CUDA 13.2 NVIDIA L4"
    assert numerics(cuda(rows=256)) == f"{runtime} CUDA 13.2 NVIDIA L4 of 256 rows"


@pytest.mark.parametrize("other", [{"model": "NVIDIA H100"}, {"version": 13000}, {"rows": 64}])
def test_what_rounds_otherwise_has_another_name(other: dict[str, Any]) -> None:
    assert numerics(cuda(**other)) != numerics(cuda())
