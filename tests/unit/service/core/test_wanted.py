from __future__ import annotations

import pytest

from service.core.wanted import Kind, Wanted, wanted


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("auto", Wanted(Kind.AUTO)),
        ("cpu", Wanted(Kind.CPU)),
        ("cuda", Wanted(Kind.CUDA, 0)),
        ("cuda:0", Wanted(Kind.CUDA, 0)),
        ("cuda:12", Wanted(Kind.CUDA, 12)),
    ],
)
def test_a_device_is_told_by_its_name(text: str, means: Wanted) -> None:
    assert wanted(text) == means


@pytest.mark.parametrize(
    "text",
    ["", "gpu", "CUDA", "cuda:", "cuda:-1", "cuda:a", "cuda:٣", "cpu:0", "auto:1", "cuda:0\n"],
)
def test_anything_else_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="not auto, cpu, cuda or cuda:N"):
        wanted(text)
