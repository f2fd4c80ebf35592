"""Sends timesteps with Triton's client, as a process by itself.

    steps.py ADDRESS sync|aio unary|stream < STEPS > ANSWERS

Both are lists in JSON. A step has `model`, `version`, `id`, `sequence`, `start`, `end`, `inputs`,
`outputs` and `parameters`; each input is named and has a `dtype`, a `shape` and `data` in
hexadecimal. An answer has the `id`, the `version` and each of `outputs` in hexadecimal, or an
`error` and, of a unary call, its `status`. On a stream all steps are sent, then the half-close;
answers are in the order in which they came. Unary calls come one after another.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import tritonclient.grpc
import tritonclient.grpc.aio
from tritonclient.grpc import InferInput, InferRequestedOutput, InferResult
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

Step = dict[str, Any]
Told = dict[str, Any]


def _request(step: Step) -> dict[str, Any]:
    names = step["outputs"]
    return {
        "model_name": step["model"],
        "model_version": step["version"],
        "request_id": step["id"],
        "sequence_id": step["sequence"],
        "sequence_start": step["start"],
        "sequence_end": step["end"],
        "inputs": [_input(name, tensor) for name, tensor in step["inputs"].items()],
        "outputs": None if names is None else [InferRequestedOutput(name) for name in names],
        "parameters": step["parameters"],
    }


def _input(name: str, tensor: dict[str, Any]) -> InferInput:
    data = np.frombuffer(bytes.fromhex(tensor["data"]), tensor["dtype"]).reshape(tensor["shape"])
    given = InferInput(name, list(data.shape), np_to_triton_dtype(data.dtype))
    given.set_data_from_numpy(data)
    return given


def _told(result: InferResult, error: InferenceServerException | None) -> Told:
    """`result`: none where there is an error."""
    if error is not None:
        return {"error": error.message(), "status": error.status()}
    response = result.get_response()
    names = [output.name for output in response.outputs]
    return {
        "id": response.id,
        "version": response.model_version,
        "outputs": {name: result.as_numpy(name).tobytes().hex() for name in names},
    }


def sync_unary(address: str, steps: list[Step]) -> list[Told]:
    told: list[Told] = []
    with tritonclient.grpc.InferenceServerClient(address) as client:
        for step in steps:
            try:
                told.append(_told(client.infer(**_request(step)), None))
            except InferenceServerException as error:
                told.append(_told(None, error))
    return told


def sync_stream(address: str, steps: list[Step]) -> list[Told]:
    told: list[Told] = []
    with tritonclient.grpc.InferenceServerClient(address) as client:
        client.start_stream(lambda result, error: told.append(_told(result, error)))
        for step in steps:
            client.async_stream_infer(**_request(step))
        client.stop_stream()
    return told


async def aio_unary(address: str, steps: list[Step]) -> list[Told]:
    told: list[Told] = []
    async with tritonclient.grpc.aio.InferenceServerClient(address) as client:
        for step in steps:
            try:
                told.append(_told(await client.infer(**_request(step)), None))
            except InferenceServerException as error:
                told.append(_told(None, error))
    return told


async def aio_stream(address: str, steps: list[Step]) -> list[Told]:
    async def requests() -> AsyncIterator[dict[str, Any]]:
        for step in steps:
            yield _request(step)

    async with tritonclient.grpc.aio.InferenceServerClient(address) as client:
        return [_told(*answer) async for answer in client.stream_infer(requests())]


def sent(address: str, kind: str, way: str, steps: list[Step]) -> list[Told]:
    if kind == "sync":
        return (sync_unary if way == "unary" else sync_stream)(address, steps)
    return asyncio.run((aio_unary if way == "unary" else aio_stream)(address, steps))


if __name__ == "__main__":
    _, where, client_kind, call = sys.argv
    print(json.dumps(sent(where, client_kind, call, json.load(sys.stdin))))
