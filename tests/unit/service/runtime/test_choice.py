from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar, cast

import numpy as np
import onnxruntime
import pytest

from service.runtime import choice
from service.runtime.choice import DeviceUnavailable, choose, chosen
from service.runtime.device import CPU, CPU_PROVIDER, CUDA_PROVIDER, Cuda, Providers


class Runtime:
    """CUDA's, as cupy shows it, of a machine with so many devices."""

    def __init__(self, devices: int, driver: int = 13020) -> None:
        self._devices = devices
        self._driver = driver

    def getDeviceCount(self) -> int:  # noqa: N802  # cupy's name
        if self._driver < 13000:
            raise RuntimeError("cudaErrorInsufficientDriver: CUDA driver version is insufficient")
        if self._devices < 0:
            raise RuntimeError("cudaErrorNoDevice: no CUDA-capable device is detected")
        return self._devices

    def driverGetVersion(self) -> int:  # noqa: N802  # cupy's name
        return self._driver

    def runtimeGetVersion(self) -> int:  # noqa: N802  # cupy's name
        return 13020


class Made:
    """What is asked of a CUDA device, on NumPy."""

    def __init__(self, number: int, *, memory: int | None, fixed_rows: int | None) -> None:
        self.name = f"cuda:{number}"
        self.told = (memory, fixed_rows)
        self.providers: Providers = ((CUDA_PROVIDER, {}), (CPU_PROVIDER, {}))

    def use(self) -> None:
        pass

    def zeros(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
        return np.zeros(shape, dtype)

    def synchronize(self) -> None:
        pass


class Compilerless(Made):
    def synchronize(self) -> None:
        raise RuntimeError("cannot load\nlibnvrtc.so.13")


@pytest.fixture
def _provider(monkeypatch: pytest.MonkeyPatch) -> None:
    """An onnxruntime with CUDA, as far as it says."""
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA_PROVIDER])
    monkeypatch.setattr(onnxruntime, "set_default_logger_severity", lambda severity: None)


def with_cupy(monkeypatch: pytest.MonkeyPatch, runtime: Runtime, device: type[Made] = Made) -> None:
    cupy = ModuleType("cupy")
    cupy.cuda = SimpleNamespace(runtime=runtime)  # type: ignore[attr-defined]  # a made-up module
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setattr(choice, "Cuda", device)


def refusal(text: str = "cuda") -> str:
    """Of asking for CUDA; `auto` takes the CPU for the same reason."""
    with pytest.raises(DeviceUnavailable) as refused:
        choose(text)
    assert "\n" not in str(refused.value)
    if text == "cuda":
        assert chosen("auto") == (CPU, refused.value.missing)
    return str(refused.value)


def test_the_cpu_is_taken_without_a_look_at_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", None)
    assert chosen("cpu") == (CPU, "")


def test_what_is_no_device_is_refused() -> None:
    with pytest.raises(ValueError, match="not auto, cpu, cuda or cuda:N"):
        choose("gpu")


def test_an_onnxruntime_without_cuda_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CPU_PROVIDER])
    built = f"onnxruntime {onnxruntime.__version__} is built without CUDA"
    assert refusal().startswith(f"{built}: install the extra `gpu`")


@pytest.mark.usefixtures("_provider")
def test_a_missing_cupy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert refusal().startswith("cupy is not installed: install the extra `gpu`")


@pytest.mark.usefixtures("_provider")
@pytest.mark.parametrize(
    ("module", "told"),
    [
        ("import os; os.mkdir('/proc/.cupy')", r"No such file or directory: '/proc/\.cupy'$"),
        ("raise ImportError('cannot load\\nlibnvrtc.so.13')", r"cannot load libnvrtc\.so\.13$"),
    ],
)
def test_a_cupy_that_cannot_be_imported_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module: str, told: str
) -> None:
    """Such as one that finds no place for its kernels."""
    (tmp_path / "cupy.py").write_text(module, encoding="utf-8")
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    assert re.match("cupy cannot be imported: .*" + told, refusal())


@pytest.mark.usefixtures("_provider")
@pytest.mark.parametrize(
    ("runtime", "told"),
    [
        (Runtime(0, driver=0), "there is no NVIDIA driver: install it"),
        (Runtime(1, driver=12040), "the NVIDIA driver is for CUDA 12.4: install one for CUDA 13"),
        (Runtime(0), "no CUDA device can be reached, for the driver shows none: look at CUDA_V"),
        (Runtime(-1), "no CUDA device can be reached, for cudaErrorNoDevice: no CUDA-capable"),
    ],
)
def test_a_device_that_is_not_there_is_told(
    monkeypatch: pytest.MonkeyPatch, runtime: Runtime, told: str
) -> None:
    with_cupy(monkeypatch, runtime)
    assert refusal().startswith(told)


@pytest.mark.usefixtures("_provider")
def test_a_number_out_of_range_is_told_with_how_many_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_cupy(monkeypatch, Runtime(2))
    assert refusal("cuda:2") == "there is no CUDA device 2: there are 2, cuda:0 to cuda:1"
    with_cupy(monkeypatch, Runtime(1))
    assert refusal("cuda:1") == "there is no CUDA device 1: there is one, cuda:0"


@pytest.mark.usefixtures("_provider")
def test_a_device_on_which_cupy_does_not_compute_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with_cupy(monkeypatch, Runtime(1), Compilerless)
    assert refusal() == "cupy does not compute on CUDA device 0: cannot load libnvrtc.so.13"


@pytest.mark.usefixtures("_provider")
@pytest.mark.filterwarnings("ignore:Specified provider 'CUDAExecutionProvider'")
def test_a_provider_that_would_fall_back_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the onnxruntime of a machine without CUDA does."""
    with_cupy(monkeypatch, Runtime(1))
    if choice._fallen_back(cast(Cuda, Made(0, memory=None, fixed_rows=None))) == "":
        pytest.skip("CUDA is there")
    told = refusal("cuda:0")
    assert told.startswith("ONNX Runtime's provider for CUDA does not load, for ")


class Session:
    """Of an onnxruntime whose provider is there."""

    made: ClassVar[list[Any]] = []

    def __init__(self, *_: Any, providers: Any, **__: Any) -> None:
        self.made.append(providers)

    def get_providers(self) -> list[str]:
        return [CUDA_PROVIDER, CPU_PROVIDER]

    def run(self, *_: Any) -> None: ...


class WithoutCudnn(Session):
    def run(self, *_: Any) -> None:
        raise RuntimeError("RNN node.\ncuDNN is not available")


@pytest.mark.usefixtures("_provider")
def test_a_library_that_is_loaded_with_the_first_cell_is_missed_before_a_model_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_cupy(monkeypatch, Runtime(1))
    monkeypatch.setattr(onnxruntime, "InferenceSession", WithoutCudnn)
    assert "does not load, for RNN node. cuDNN is not available: it needs" in refusal()


@pytest.mark.usefixtures("_provider")
def test_the_memory_of_a_model_is_not_that_of_the_first_cell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Limited(Made):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            options = {"device_id": "0", "gpu_mem_limit": "1"}
            self.providers = ((CUDA_PROVIDER, options), (CPU_PROVIDER, {}))

    with_cupy(monkeypatch, Runtime(1), Limited)
    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    assert choose("cuda").name == "cuda:0"
    assert Session.made[-1] == [(CUDA_PROVIDER, {"device_id": "0"}), (CPU_PROVIDER, {})]


def test_the_first_cell_is_one_that_onnx_runtime_computes() -> None:
    session = onnxruntime.InferenceSession(choice._SMALLEST, providers=[CPU_PROVIDER])
    [y] = session.run(None, {"x": np.ones((1, 1, 1), np.float32)})
    assert y == pytest.approx(np.tanh(1.0))


@pytest.mark.usefixtures("_provider")
def test_where_all_is_there_cuda_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    silenced: list[int] = []
    with_cupy(monkeypatch, Runtime(2))
    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    monkeypatch.setattr(onnxruntime, "set_default_logger_severity", silenced.append)
    assert choose("auto").name == "cuda:0" and chosen("auto").why_not_cuda == ""
    made: Any = chosen("cuda:1", memory=3, fixed_rows=256).device
    assert (made.name, made.told) == ("cuda:1", (3, 256))
    assert {*silenced} == {4}
