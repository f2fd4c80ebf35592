from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator, Iterable, Mapping

import aiohttp
import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from service.console.view import Query, View
from service.http.server import listening
from service.metrics.service import families
from service.operations.readiness import Phase, Readiness, combined
from service.startup import StartError
from tests.unit.service.metrics.made import GRU, readings, value


class Observed:
    """Says what it is told to say."""

    def __init__(self) -> None:
        self.says = Readiness(Phase.SERVING)

    async def readiness(self) -> Readiness:
        return self.says

    async def metrics(self) -> Iterable[Metric]:
        return families(readings())

    async def views(self, query: Query) -> Mapping[str, View]:
        return {}


@pytest.fixture
def observed() -> Observed:
    return Observed()


@pytest.fixture
async def base(observed: Observed) -> AsyncIterator[str]:
    async with listening("127.0.0.1:0", observed) as address:
        yield f"http://{address}"


async def get(url: str) -> tuple[int, str, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, response.headers["Content-Type"], await response.text()


async def test_a_process_that_answers_is_alive_whatever_its_phase(
    base: str, observed: Observed
) -> None:
    observed.says = Readiness(Phase.DRAINING)
    status, _, text = await get(base + "/healthz")
    assert (status, text) == (200, "ok\n")


async def ready(base: str) -> tuple[int, dict[str, object]]:
    status, _, text = await get(base + "/readyz")
    return status, json.loads(text)


async def test_readiness_is_told_with_its_reason(base: str, observed: Observed) -> None:
    store = {"state": "ok", "since": None}
    told = {"ready": True, "reason": "serving", "store": store}
    assert await ready(base) == (200, told)
    for phase in (Phase.STARTING, Phase.DRAINING):
        observed.says = Readiness(phase)
        told = {"ready": False, "reason": phase, "store": store}
        assert await ready(base) == (503, told)


async def test_a_service_without_its_device_is_not_ready_and_names_it(
    base: str, observed: Observed
) -> None:
    observed.says = Readiness(Phase.LOST, device="cuda:0")
    status, told = await ready(base)
    assert status == 503
    assert (told["reason"], told["device"]) == ("without its device", "cuda:0")


async def test_an_unready_service_says_404_to_who_knows_no_other_way(
    base: str, observed: Observed
) -> None:
    assert (await get(base + "/readyz?unready=404"))[0] == 200
    observed.says = Readiness(Phase.DRAINING)
    assert (await get(base + "/readyz?unready=404"))[0] == 404


async def test_a_degraded_store_is_told_and_the_service_stays_ready(
    base: str, observed: Observed
) -> None:
    observed.says = Readiness(Phase.SERVING, degraded_for=0.0)
    status, told = await ready(base)
    assert status == 200
    assert isinstance(told["store"], dict)
    assert told["store"]["state"] == "degraded"
    assert told["store"]["since"].endswith("+00:00")


async def test_each_worker_is_told_of(base: str, observed: Observed) -> None:
    workers = {"1": Readiness(Phase.SERVING, 9.0), "2": Readiness(Phase.SILENT)}
    observed.says = combined(workers, draining=False)
    status, told = await ready(base)
    assert (status, told["reason"]) == (503, "worker 2 is silent")
    assert isinstance(told["workers"], dict)
    assert told["workers"]["1"]["store"]["state"] == "degraded"
    assert told["workers"]["2"]["ready"] is False


async def test_metrics_are_what_prometheus_reads(base: str) -> None:
    status, kind, text = await get(base + "/metrics")
    assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert value(text_string_to_metric_families(text), "stepwire_steps_total", **GRU) == 40


async def test_there_is_nothing_else(base: str) -> None:
    assert (await get(base + "/"))[0] == 404


async def test_a_taken_port_is_told(observed: Observed) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(StartError, match=f"cannot listen on {address}: it is taken"):
            async with listening(address, observed):
                pass
