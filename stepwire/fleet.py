"""Many streams of one model, stepped together by arrays."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np

from stepwire.errors import StepwireError
from stepwire.stream import Stream
from stepwire.tensors import Outputs, Tensors


class MembersFailed(StepwireError):
    """Some streams of a fleet did not answer a step; the others have."""

    def __init__(self, errors: Mapping[int, StepwireError], outputs: Outputs) -> None:
        first, error = next(iter(errors.items()))
        super().__init__(f"{len(errors)} of its streams failed, at place {first}: {error}")
        self.errors = dict(errors)
        """By the place of the stream in the fleet."""
        self.outputs = outputs
        """As `Fleet.step` returns them, zeros in the rows of those that failed; None if all did."""


class Fleet:
    """Made by `Client.fleet`; `async with` opens its streams.

    Leaving the block closes the streams, leaving it by an exception detaches them. Each stream is
    one like any other: `streams` has them, and what is promised of one is promised of each.
    """

    def __init__(self, streams: Sequence[Stream]) -> None:
        self.streams = tuple(streams)

    def __len__(self) -> int:
        return len(self.streams)

    async def open(self) -> None:
        """Opens all, or none: where one is refused, the others are left detached."""
        try:
            await _all(stream.open() for stream in self.streams)
        except BaseException:
            await self.detach()
            raise

    async def step(
        self, inputs: Tensors, *, which: Sequence[int] | None = None, budget: float | None = None
    ) -> Outputs:
        """Advances each stream, or those at the places `which`, by one timestep.

        `inputs` and the answer are as in `Stream.step`, with one more axis in front: a row for
        each stream, in the order of `which`. `budget`: seconds, for each of them. Raises
        MembersFailed where some streams did not answer, once all others have.
        """
        places = range(len(self.streams)) if which is None else which
        rows = _rows(inputs, len(places))
        steps = (
            self.streams[place].step(row, budget=budget)
            for place, row in zip(places, rows, strict=True)
        )
        answers = await asyncio.gather(*steps, return_exceptions=True)
        failed: dict[int, StepwireError] = {}
        for place, answer in zip(places, answers, strict=True):
            if isinstance(answer, StepwireError):
                failed[place] = answer
            elif isinstance(answer, BaseException):
                raise answer
        if failed:
            raise MembersFailed(failed, _stacked(answers))
        return _stacked(answers)

    async def close(self) -> None:
        """Ends the sequences."""
        await _all(stream.close() for stream in self.streams)

    async def detach(self) -> None:
        """Leaves the states on the server, to be resumed within its idle limit."""
        await _all(stream.detach() for stream in self.streams)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await (self.close() if error is None else self.detach())


async def _all(work: Iterable[Any]) -> None:
    """Raises the first error, once all has ended."""
    for ended in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(ended, BaseException):
            raise ended


def _rows(inputs: Tensors, count: int) -> list[Tensors]:
    """Raises ValueError unless there is one for each stream."""
    if isinstance(inputs, Mapping):
        columns = {name: _rows(values, count) for name, values in inputs.items()}
        return [{name: rows[row] for name, rows in columns.items()} for row in range(count)]  # type: ignore[misc]
    array = np.asarray(inputs)
    if array.ndim == 0 or len(array) != count:
        shape = list(array.shape)
        raise ValueError(f"{count} streams take {count} rows of inputs, not shape {shape}")
    return list(array)


def _stacked(answers: Sequence[Any]) -> Outputs:
    """Zeros in the place of exceptions; None where there is nothing else."""
    good = next((each for each in answers if not _failed(each)), None)
    if good is None:
        return None
    if isinstance(good, dict):
        return {
            name: _stacked([each if _failed(each) else each[name] for each in answers])
            for name in good
        }
    empty = np.zeros_like(good)
    return np.stack([empty if _failed(each) else each for each in answers])


def _failed(answer: object) -> bool:
    return isinstance(answer, BaseException)
