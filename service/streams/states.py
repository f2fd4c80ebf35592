"""The states of streams, as those see and set them who are not connected to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from service.core import changes
from service.core.changes import GivenState
from service.core.checkpoint import Checkpoint
from service.core.directory import Directory
from service.core.errors import StateUnusable
from service.core.lifecycle import State
from service.core.model import TensorSpec
from service.core.streams import ModelKey, OpenRequest
from service.lanes.lanes import Lanes
from service.streams.custody import Custody
from service.streams.outside import Named, Outside


class Seen(NamedTuple):
    """A stream between two timesteps."""

    model: ModelKey
    digest: str
    numerics: str
    next_step: int
    durable_step: int
    """0 without a store that outlives the process."""
    states: tuple[tuple[TensorSpec, bytes], ...]


class Summary(NamedTuple):
    """A living stream, as a listing shows it."""

    id: str
    model: ModelKey
    next_step: int
    state: State


class Page(NamedTuple):
    streams: list[Summary]
    after: str
    """Where the next page begins; empty: there is none."""


class States:
    """Every method but `list` raises what `Outside` does."""

    def __init__(
        self, lanes: Lanes, directory: Directory, custody: Custody, outside: Outside
    ) -> None:
        self._lanes = lanes
        self._directory = directory
        self._custody = custody
        self._outside = outside

    async def get(self, named: Named) -> Seen:
        """The stream as it is; one of another process as that saved it last."""
        checkpoint, durable_step = await self._outside.read(named)
        specs = [state.input for state in self._lanes[checkpoint.model].signature.states]
        if [spec.nbytes for spec in specs] != [len(data) for data in checkpoint.states]:
            raise StateUnusable(
                f"the state of stream {named.key.id!r} was saved under another {checkpoint.model}"
            )
        return Seen(
            checkpoint.model,
            checkpoint.digest,
            checkpoint.numerics,
            checkpoint.next_step,
            durable_step,
            tuple(zip(specs, checkpoint.states, strict=True)),
        )

    async def put(self, named: Named, given: GivenState) -> int:
        """Sets the states and drops the kept outputs; returns the next step.

        Raises InvalidRequest if the states are not those of the stream's model.
        """

        def change(before: Checkpoint) -> Checkpoint:
            lane = self._lanes[before.model]
            return changes.put(before, given, lane.signature, lane.digest, lane.numerics)

        after = await self._outside.change(named, change, _replaced(named, "set"))
        assert after is not None
        return after.next_step

    async def reset(self, named: Named) -> None:
        """Sets the stream to its initial state, at step 0."""

        def change(before: Checkpoint) -> Checkpoint:
            return self._lanes[before.model].initial(changes.nobody())

        await self._outside.change(named, change, _replaced(named, "reset"))

    async def delete(self, named: Named) -> None:
        """Ends the stream."""
        reason = f"stream {named.key.id!r} was deleted from outside: create it again"
        await self._outside.change(named, lambda before: None, reason)

    async def fork(self, named: Named, request: OpenRequest) -> Checkpoint:
        """Copies the stream into the one that `request` would create, detached.

        Raises StreamExists if there is one of its id, or TooManyStreams.
        """
        return await self._outside.copy(named, request)

    async def _page(self, namespace: str, after: str, limit: int) -> list[Summary]:
        streams = {
            each.key.id: Summary(
                each.key.id, ModelKey(each.model, each.version), each.step, State.STORED
            )
            for each in await self._custody.list(namespace, after, limit)
        }
        for stream in self._directory.streams():
            if stream.key.namespace == namespace and stream.id > after:
                step = self._lanes.of(stream).next_step(stream)
                streams[stream.id] = Summary(stream.id, stream.model, step, stream.state)
        return [streams[id_] for id_ in sorted(streams)[:limit]]

    async def list(
        self, namespace: str, after: str, limit: int, covers: Callable[[str], bool]
    ) -> Page:
        """At most `limit` living streams behind the id `after`, by their ids, of those that run
        a model which `covers` allows.
        """
        found: list[Summary] = []
        while True:
            page = await self._page(namespace, after, limit)
            found += [each for each in page if covers(each.model.name)]
            if len(found) >= limit:
                return Page(found[:limit], found[limit - 1].id)
            if len(page) < limit:
                return Page(found, "")
            after = page[-1].id


def _replaced(named: Named, how: str) -> str:
    return (
        f"the state of stream {named.key.id!r} was {how} from outside: resume it and go on from "
        "its next step"
    )
