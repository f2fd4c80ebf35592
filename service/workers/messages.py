"""What the parent and its workers ask each other, and how JSON says it."""

from __future__ import annotations

from enum import StrEnum

from pydantic import TypeAdapter

from service.console.view import Query, View
from service.operations.orders import Order, Outcome
from service.operations.readiness import Readiness


class ToWorker(StrEnum):
    READINESS = "readiness"
    METRICS = "metrics"
    """As text."""
    VIEW = "view"
    """What the live page asks for."""
    CARRY_OUT = "carry_out"
    """An order, here and now."""


class ToParent(StrEnum):
    JOIN = "join"
    """These models are loaded: which orders make them those of the other workers?"""
    SERVING = "serving"
    """The port is open; the `models` that serve, and what is to be said of the `device`."""
    FAILED = "failed"
    """The start has failed; why."""
    FAN_OUT = "fan_out"
    """An order for every worker."""


ORDER = TypeAdapter(Order)
ORDERS = TypeAdapter(list[Order])
OUTCOME = TypeAdapter(Outcome)
OUTCOMES = TypeAdapter(list[Outcome])
READINESS = TypeAdapter(Readiness)
QUERY = TypeAdapter(Query)
VIEW = TypeAdapter(View)
