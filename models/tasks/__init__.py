"""The tasks by name. A task's module is imported when it is asked for: it may need torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.tasks.task import Task


@dataclass(frozen=True, slots=True)
class Entry:
    kind: str
    """Where its class is."""
    summary: str
    hidden: int = 48
    layers: int = 1
    input_layer: int = 0
    memoryless: bool = False
    """Whether a memoryless network is trained beside unless it is declined."""


TASKS: Mapping[str, Entry] = {
    "forecast": Entry(
        "models.tasks.forecast.task:Forecast",
        "Forecast a column of any CSV, or of a made-up shop's sales.",
        hidden=24,
    ),
    "adding": Entry(
        "models.tasks.adding.task:Adding",
        "Add two marked values of a long sequence.",
        memoryless=True,
    ),
    "copying": Entry(
        "models.tasks.copying.task:Copying",
        "Repeat letters after a delay.",
        hidden=64,
        memoryless=True,
    ),
    "morse": Entry(
        "models.tasks.morse.task:Morse",
        "Read Morse code from a noisy key, letter by letter.",
        hidden=64,
    ),
    "pendulum": Entry(
        "models.tasks.pendulum.task:Pendulum",
        "Swing a pendulum up and hold it, from a noisy angle.",
        memoryless=True,
    ),
    "sentiment": Entry(
        "models.tasks.sentiment.task:Sentiment",
        "Judge a film review after each word.",
        input_layer=24,
    ),
    "sine": Entry(
        "models.tasks.sine.task:Sine",
        "Foretell a noisy sine of unknown frequency and phase.",
        memoryless=True,
    ),
    "text": Entry(
        "models.tasks.text.task:Text",
        "Predict the next character of a text.",
        hidden=224,
        input_layer=32,
    ),
}


def load(name: str, options: Mapping[str, Any]) -> Task:
    """Raises KeyError for a name that is not in TASKS, TaskRefused for options that do not do."""
    module, _, kind = TASKS[name].kind.partition(":")
    task: Task = getattr(import_module(module), kind)(**options)
    return task
