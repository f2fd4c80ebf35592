from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from service.lanes.place import Place, notes
from service.runtime.device import CPU


def cuda() -> Any:
    """What is asked of a CUDA device beside its arithmetic."""
    runtime = SimpleNamespace(getDeviceProperties=lambda number: {"name": b"NVIDIA L4"})
    xp = SimpleNamespace(cuda=SimpleNamespace(runtime=runtime))
    return SimpleNamespace(name="cuda:0", is_host=False, xp=xp, binding=("cuda", 0))


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
