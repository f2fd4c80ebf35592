from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from service.lanes.place import Place, notes
from service.runtime.device import CPU
from tests.lossy import ILLEGAL

FREE = 2**20


def cuda() -> Any:
    """What is asked of a CUDA device beside its arithmetic."""
    runtime = SimpleNamespace(
        getDeviceProperties=lambda number: {"name": b"NVIDIA L4"},
        memGetInfo=lambda: (FREE // 2, 2**30),  # the rest is in CuPy's pool
    )
    xp = SimpleNamespace(cuda=SimpleNamespace(runtime=runtime))
    return SimpleNamespace(
        name="cuda:0", is_host=False, xp=xp, binding=("cuda", 0), free=lambda: FREE
    )


def test_the_device_is_told_and_why_it_is_not_cuda() -> None:
    assert Place().told == "models run on the CPU"
    assert Place(CPU, "there is no driver").told == "models run on the CPU: there is no driver"
    assert Place(cuda()).told == "models run on cuda:0, NVIDIA L4"


def test_what_changes_nothing_is_told() -> None:
    assert not list(notes(Place(), workers=4, deterministic=False))
    [note] = notes(Place(), workers=4, deterministic=True)
    assert "--deterministic changes nothing here" in note


def test_workers_that_share_a_device_are_told() -> None:
    assert not list(notes(Place(cuda()), workers=1, deterministic=True))
    [note] = notes(Place(cuda()), workers=4, deterministic=False)
    assert note.startswith("each of 4 workers has a CUDA context and memory of its own on cuda:0")


def test_states_have_half_of_what_is_free_where_it_is_not_said() -> None:
    assert Place(cuda()).for_states() == FREE // 2
    assert Place(cuda(), workers=4).for_states() == FREE // 8
    assert Place(cuda(), memory=2**19, workers=4).for_states() == 2**19
    assert Place().for_states() is None
    assert Place(memory=2**19).for_states() == 2**19


@pytest.mark.parametrize(
    "reason",
    [
        "CUDA failure 2: out of memory ; GPU=0",
        "Out of memory allocating 1,024 bytes (allocated so far: 0 bytes).",
        "Failed to allocate memory for requested buffer of size 8388608",
        "Available memory of 1024 is smaller than requested bytes of 8388608",
    ],
)
def test_want_of_memory_is_told_with_the_numbers(reason: str) -> None:
    numbers = "cuda:0 has 1,048,576 of 1,073,741,824 bytes free"
    assert Place(cuda()).room(reason) == f" ({numbers})"
    limited = Place(cuda(), memory=2**19).room(reason)
    assert limited == f" ({numbers}, of which a model may have 1,048,576)"
    assert Place().room(reason) == ""
    assert Place(cuda()).room("its golden run is off by 0.1") == ""


def test_a_lost_device_tells_no_numbers() -> None:
    def lost() -> tuple[int, int]:
        raise RuntimeError(ILLEGAL)

    device = cuda()
    device.xp.cuda.runtime.memGetInfo = device.free = lost
    assert Place(device).room("CUDA failure 700: failed to allocate") == ""
