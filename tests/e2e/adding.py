"""Sequences of an accumulator, as Triton's client steps them."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

import numpy as np

from tests.triton_client import Way, answers, step
from torture.processes import Server
from torture.triton_client import TritonClient


def add(sequence: int | str, x: float, **more: Any) -> dict[str, Any]:
    """A timestep of an accumulator."""
    return step("accumulator", sequence, x=np.array([x], np.float32), **more)


def told(answers_: Iterable[dict[str, Any]]) -> list[float | str]:
    """The total of each answer, or its error."""
    return [each["error"] if "error" in each else total(each) for each in answers_]


def total(answer: dict[str, Any]) -> float:
    (found,) = struct.unpack("<f", bytes.fromhex(answer["outputs"]["total"]))
    return float(found)


def totals(client: TritonClient, server: Server, way: Way, *steps: dict[str, Any]) -> list[Any]:
    return told(answers(client, server.address, way, steps))
