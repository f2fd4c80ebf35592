from __future__ import annotations

import pytest

from service.runtime.loss import DeviceLost, Loss, is_loss, raise_if_lost

ILLEGAL = (
    "[ONNXRuntimeError] : 1 : FAIL : Non-zero status code returned while running Gemm node. "
    "Status Message: CUDA failure 700: an illegal memory access was encountered ; GPU=0 ; "
    "hostname=a ; file=cuda_execution_provider.cc ; line=448 ; expr=cudaStreamSynchronize(s);"
)
LOST = [
    ILLEGAL,
    "CUDA error 719: unspecified launch failure",
    "cudaErrorDevicesUnavailable: CUDA-capable device(s) is/are busy or unavailable",
    "cudaErrorECCUncorrectable: uncorrectable ECC error encountered",
    "CUDA_ERROR_ILLEGAL_ADDRESS: an illegal memory access was encountered",
    "CUDA_ERROR_LAUNCH_FAILED: unspecified launch failure",
    "CUDA failure 999: unknown error ; GPU=0",
    "cudaErrorNoDevice: no CUDA-capable device is detected",
    "CUDA_ERROR_INVALID_DEVICE: invalid device ordinal",
]
OURS = [
    "CUDA failure 2: out of memory ; GPU=0",
    "cudaErrorMemoryAllocation: out of memory",
    "CUDA_ERROR_OUT_OF_MEMORY: out of memory",
    "CUDA_ERROR_LAUNCH_FAILED_TWICE: no such name",
    "CUDA failure 7000: no such number",
    "[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Got invalid dimensions for input: x, 700 ≠ 1",
    "",
]


@pytest.mark.parametrize("told", LOST)
def test_an_error_that_stays_is_a_loss(told: str) -> None:
    assert is_loss(RuntimeError(told))
    with pytest.raises(DeviceLost) as raised:
        raise_if_lost(RuntimeError(told))
    assert str(raised.value) == told and isinstance(raised.value.__cause__, RuntimeError)


@pytest.mark.parametrize("told", OURS)
def test_an_error_that_passes_is_none(told: str) -> None:
    assert not is_loss(RuntimeError(told))
    raise_if_lost(RuntimeError(told))
    assert not Loss().notice(RuntimeError(told))


def test_the_first_error_is_told_and_told_once() -> None:
    loss, heard = Loss(), []
    loss.listen(lambda: heard.append(loss.reason))
    assert not loss.notice(ValueError("no finite result")) and not loss.reason
    assert loss.notice(RuntimeError(ILLEGAL))
    assert loss.notice(DeviceLost("again"))
    assert loss.notice(ValueError("whatever comes after it"))
    assert heard == [ILLEGAL]


def test_who_listens_late_is_told_too() -> None:
    loss, heard = Loss(), []
    loss.notice(DeviceLost("gone"))
    loss.listen(lambda: heard.append(loss.reason))
    assert heard == ["gone"]
