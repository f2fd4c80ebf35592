from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

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
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        said = check({"STEPWIRE_LISTEN": f"0.0.0.0:{port}"})
        assert said == (expected and expected.format(f"127.0.0.1:{port}"))
    finally:
        server.stop(0).wait()


def test_a_port_without_a_service_is_not_healthy(unused_tcp_port: int) -> None:
    address = f"127.0.0.1:{unused_tcp_port}"
    assert check({"STEPWIRE_LISTEN": address}) == f"{address} does not answer: UNAVAILABLE"
    said = check({"STEPWIRE_HTTP_LISTEN": address})
    assert said and said.startswith(f"{address} does not answer: ")


@contextmanager
def http_port(status: int, body: bytes) -> Iterator[int]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/readyz" else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [(200, b"", None), (503, b"draining\n", "127.0.0.1:{} is not ready: draining")],
)
def test_an_http_port_is_asked_first(
    monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, expected: str | None
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with http_port(status, body) as port:
        said = check({"STEPWIRE_HTTP_LISTEN": f"0.0.0.0:{port}", "STEPWIRE_TLS_CERT": "cert.pem"})
        assert said == (expected and expected.format(port))


def test_a_service_with_tls_needs_an_http_port() -> None:
    said = check({"STEPWIRE_TLS_CERT": "cert.pem"})
    assert said and "set STEPWIRE_HTTP_LISTEN" in said
