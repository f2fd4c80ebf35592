"""`python -m service.healthcheck`: whether the service of this container serves."""

from __future__ import annotations

import os
import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

TIMEOUT_SECONDS = 4.0
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}
"""Where a service that listens everywhere is reached from beside it."""


def check(address: str) -> str | None:
    """What is wrong with the service at `address`, or None."""
    # A container may inherit a proxy that is for other addresses than its own.
    with grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        try:
            answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_SECONDS)
        except grpc.RpcError as error:
            return f"{address} does not answer: {error.code().name}"
    name = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    return None if name == "SERVING" else f"{address} is {name}"


if __name__ == "__main__":
    host, _, port = os.environ.get("STEPWIRE_LISTEN", "127.0.0.1:50051").rpartition(":")
    sys.exit(check(f"{_LOOPBACK.get(host, host)}:{port}"))
