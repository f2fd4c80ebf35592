from __future__ import annotations

import pytest

from service.runtime.telling import line


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "running Gemm node.\nCUDA failure 700: an illegal memory access ; GPU=0 ; "
            "hostname=a ; file=cuda_call.cc ; line=448 ; expr=cudaStreamSynchronize(s);\n",
            "running Gemm node. CUDA failure 700: an illegal memory access",
        ),
        (
            "/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_call.cc:154 std::conditional_t"
            "<THRW, void, onnxruntime::common::Status> onnxruntime::CudaCall(ERRTYPE, const char*) "
            "[with ERRTYPE = cudaError; bool THRW = true] CUDA failure 35: the driver is too old ; "
            "GPU=-1 ; hostname=a ; file=cuda_execution_provider.cc ; line=273 ; expr=f(); \n",
            "CUDA failure 35: the driver is too old",
        ),
        ("index 7 is out of bounds", "index 7 is out of bounds"),
        ("", "RuntimeError"),
    ],
)
def test_an_error_is_told_in_a_line_without_the_host_it_was_on(said: str, told: str) -> None:
    assert line(RuntimeError(said)) == told
