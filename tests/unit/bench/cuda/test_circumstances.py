"""What a device and its libraries are called."""

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import onnxruntime
import pytest
import torch

from bench.cuda import circumstances
from bench.cuda.circumstances import UNKNOWN


def test_the_driver_is_read_from_its_module(tmp_path: Path) -> None:
    file = tmp_path / "version"
    file.write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.65.06  Sun Jul 27\nGCC\n")
    assert circumstances.driver(file) == "580.65.06"
    file.write_text("nothing of the kind")
    assert circumstances.driver(file) == UNKNOWN
    assert circumstances.driver(tmp_path / "none") == UNKNOWN


def test_a_release_of_cuda_is_told_as_people_write_it() -> None:
    assert circumstances.cuda(13000) == "13.0"
    assert circumstances.cuda(12080) == "12.8"


def test_a_library_that_is_not_there_has_no_version() -> None:
    assert circumstances.cudnn("libnone-of-this-name.so") == UNKNOWN


def test_on_the_cpu_the_versions_of_what_computes_are_told() -> None:
    told = circumstances.told("cpu")
    for part in (
        f"onnxruntime {onnxruntime.__version__}",
        f"numpy {np.__version__}",
        f"torch {torch.__version__}",
    ):
        assert part in told


def test_a_device_is_told_by_its_name_and_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = ModuleType("cupy.cuda.runtime")
    properties = {1: {"name": b"A Device", "totalGlobalMem": 80 * 2**30}}
    monkeypatch.setattr(runtime, "getDeviceProperties", properties.get, raising=False)
    monkeypatch.setattr(runtime, "runtimeGetVersion", lambda: 13000, raising=False)
    monkeypatch.setitem(sys.modules, runtime.__name__, runtime)
    told = circumstances.told("cuda:1")
    assert told.startswith("Measured on cuda:1: A Device, 80 GiB, driver ")
    assert ", CUDA 13.0, cuDNN " in told
