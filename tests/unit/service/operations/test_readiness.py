from __future__ import annotations

import pytest

from service.operations.readiness import Phase, Readiness, combined

SERVING = Readiness(Phase.SERVING)


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.SERVING])
def test_the_service_is_ready_when_all_its_workers_are(phase: Phase) -> None:
    assert combined({"1": SERVING, "2": SERVING}, draining=False).ready
    waiting = combined({"1": SERVING, "2": Readiness(phase)}, draining=False)
    assert not waiting.ready
    assert waiting.reason == f"worker 2 is {phase}"


def test_a_draining_service_is_not_ready_whatever_its_workers_say() -> None:
    draining = combined({"1": SERVING}, draining=True)
    assert not draining.ready
    assert draining.reason == "draining"


def test_a_service_computes_where_its_workers_do() -> None:
    workers = {name: Readiness(Phase.SERVING, device="cuda:0") for name in ("1", "2")}
    assert combined(workers, draining=False).device == "cuda:0"
    waiting = combined(workers | {"3": Readiness(Phase.STARTING)}, draining=False)
    assert waiting.device == "cuda:0"


def test_a_degraded_service_is_ready() -> None:
    worst = combined(
        {"1": SERVING, "2": Readiness(Phase.SERVING, 3.0), "3": Readiness(Phase.SERVING, 5.0)},
        draining=False,
    )
    assert worst.ready
    assert worst.degraded_for == 5.0
    assert combined({"1": SERVING}, draining=False).degraded_for is None
