"""The tasks by name. A task's module is imported when it is asked for: it may need torch."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.tasks.task import Task

TASKS = {
    "pendulum": "models.tasks.pendulum:Pendulum",
    "sine": "models.tasks.sine:Sine",
}


def load(name: str) -> Task:
    """Raises KeyError for a name that is not in TASKS."""
    module, _, kind = TASKS[name].partition(":")
    task: Task = getattr(import_module(module), kind)()
    return task
