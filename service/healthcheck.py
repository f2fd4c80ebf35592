"""`python -m service.healthcheck`: whether the service of this container serves."""

from __future__ import annotations

import os
import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

TIMEOUT_SECONDS = 4.0


def check(address: str) -> str | None:
    """What is wrong with the service at `address`, or None."""
    with grpc.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        try:
            answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_SECONDS)
        except grpc.RpcError as error:
            return f"{address} does not answer: {error.code().name}"
    name = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    return None if name == "SERVING" else f"{address} is {name}"


if __name__ == "__main__":
    port = os.environ.get("STEPWIRE_LISTEN", ":50051").rpartition(":")[2]
    sys.exit(check(f"127.0.0.1:{port}"))
