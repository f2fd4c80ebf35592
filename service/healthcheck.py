"""`python -m service.healthcheck`: whether the service of this container serves.

The settings are those of the environment. With an HTTP port it is asked there, which needs
no certificate and speaks for every worker; otherwise over gRPC.
"""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

TIMEOUT_SECONDS = 4.0
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}
"""Where a service that listens everywhere is reached from beside it."""


def check(environment: dict[str, str]) -> str | None:
    """What is wrong with the service of these settings, or None."""
    if http := environment.get("STEPWIRE_HTTP_LISTEN"):
        return check_http(_beside(http))
    if environment.get("STEPWIRE_TLS_CERT"):
        return "a service with TLS is asked over HTTP: set STEPWIRE_HTTP_LISTEN=127.0.0.1:PORT"
    return check_grpc(_beside(environment.get("STEPWIRE_LISTEN", "127.0.0.1:50051")))


def check_http(address: str) -> str | None:
    """What is wrong with the service whose HTTP port is `address`, or None."""
    # A container may inherit a proxy that is for other addresses than its own.
    ask = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
    try:
        with ask(f"http://{address}/readyz", timeout=TIMEOUT_SECONDS):
            return None
    except urllib.error.HTTPError as error:
        with error:
            return f"{address} is not ready: {error.read().decode(errors='replace').strip()}"
    except OSError as error:
        return f"{address} does not answer: {error}"


def check_grpc(address: str) -> str | None:
    """What is wrong with the service that speaks plain text at `address`, or None."""
    with grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        try:
            answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_SECONDS)
        except grpc.RpcError as error:
            return f"{address} does not answer: {error.code().name}"
    name = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    return None if name == "SERVING" else f"{address} is {name}"


def _beside(address: str) -> str:
    host, _, port = address.rpartition(":")
    return f"{_LOOPBACK.get(host, host)}:{port}"


if __name__ == "__main__":
    sys.exit(check(dict(os.environ)))
