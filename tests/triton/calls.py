"""Calls methods of Triton's client, as a process by itself.

    calls.py ADDRESS sync|aio < CALLS > ANSWERS

Of each call `[method, keyword arguments]` it tells `{"answer": ...}` or, of one that failed,
`{"status": ..., "message": ...}`. Both are lists in JSON.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
from collections.abc import Callable
from typing import Any

import tritonclient.grpc
import tritonclient.grpc.aio
from tritonclient.utils import InferenceServerException

Call = tuple[str, dict[str, Any]]
Told = dict[str, Any]


def _as_json(method: Callable[..., Any]) -> dict[str, bool]:
    return {"as_json": True} if "as_json" in inspect.signature(method).parameters else {}


def _failed(error: InferenceServerException) -> Told:
    return {"status": error.status(), "message": error.message()}


def called(address: str, calls: list[Call]) -> list[Told]:
    told: list[Told] = []
    with tritonclient.grpc.InferenceServerClient(address) as client:
        for name, arguments in calls:
            method = getattr(client, name)
            try:
                told.append({"answer": method(**arguments, **_as_json(method))})
            except InferenceServerException as error:
                told.append(_failed(error))
    return told


async def called_by_aio(address: str, calls: list[Call]) -> list[Told]:
    told: list[Told] = []
    async with tritonclient.grpc.aio.InferenceServerClient(address) as client:
        for name, arguments in calls:
            method = getattr(client, name)
            try:
                told.append({"answer": await method(**arguments, **_as_json(method))})
            except InferenceServerException as error:
                told.append(_failed(error))
    return told


if __name__ == "__main__":
    _, where, kind = sys.argv
    wanted = json.load(sys.stdin)
    if kind == "aio":
        print(json.dumps(asyncio.run(called_by_aio(where, wanted))))
    else:
        print(json.dumps(called(where, wanted)))
