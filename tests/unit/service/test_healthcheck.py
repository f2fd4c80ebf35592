from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from service.healthcheck import check


@pytest.mark.parametrize(
    ("status", "expected"), [("SERVING", None), ("NOT_SERVING", "{} is NOT_SERVING")]
)
def test_only_a_serving_service_is_healthy(
    monkeypatch: pytest.MonkeyPatch, status: str, expected: str | None
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    server = grpc.server(ThreadPoolExecutor(1))
    checks = health.HealthServicer()
    checks.set("", health_pb2.HealthCheckResponse.ServingStatus.Value(status))
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        assert check(address) == (expected and expected.format(address))
    finally:
        server.stop(0).wait()


def test_a_port_without_a_service_is_not_healthy(unused_tcp_port: int) -> None:
    address = f"127.0.0.1:{unused_tcp_port}"
    assert check(address) == f"{address} does not answer: UNAVAILABLE"
