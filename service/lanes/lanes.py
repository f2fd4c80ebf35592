"""The model versions in service, those that leave it, and those that must not serve."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from service.core.checkpoint import Checkpoint
from service.core.counts import LaneReading
from service.core.errors import ModelNotFound
from service.core.streams import ModelKey, OpenRequest, Stream
from service.lanes.lane import Lane

_PAST = 64
"""Versions out of service whose counts are told, the last that left: some load one every night."""


class Lanes:
    def __init__(self, lanes: Mapping[ModelKey, Lane], refused: Mapping[ModelKey, str]) -> None:
        """`refused`: models that must not serve, with the reason."""
        self._lanes = dict(lanes)
        self._refused = dict(refused)
        self._retired: set[ModelKey] = set()
        self._past: dict[ModelKey, LaneReading] = {}
        """Of the versions that have left, as they did; the last one is the latest."""
        self._past_steps = 0
        """Run by versions whose counts are told no more."""
        self._past_spent = 0.0
        """By the lanes that have left."""
        self.loading_seconds = 0.0
        """Of the processor, spent on loading models while others serve."""

    def __iter__(self) -> Iterator[Lane]:
        return iter(list(self._lanes.values()))

    def __getitem__(self, model: ModelKey) -> Lane:
        """Of a stream that is to go on, also where its version takes no new ones.

        Raises ModelNotFound.
        """
        if model not in self._lanes:
            reason = f": {self._refused[model]}" if model in self._refused else ""
            raise ModelNotFound(
                f"the stream runs on model {model}, which does not serve here{reason}; load it "
                f"with `stepwire models load {model.name} --version {model.version}`"
            )
        return self._lanes[model]

    def readings(self, detached: Mapping[ModelKey, int]) -> tuple[LaneReading, ...]:
        """`detached`: how many streams of each model have no connection; none, if it lacks."""
        return tuple(lane.reading(detached.get(lane.model, 0)) for lane in self)

    @property
    def past(self) -> tuple[LaneReading, ...]:
        """Of the versions that have left service: their counts."""
        return tuple(self._past.values())

    def find(self, model: ModelKey) -> Lane | None:
        return self._lanes.get(model)

    @property
    def refused(self) -> Mapping[ModelKey, str]:
        """Why a file must not serve; of a version in service, a later file of its number."""
        return self._refused

    def is_retired(self, model: ModelKey) -> bool:
        """Whether the version is in service for the streams it has, and takes no others."""
        return model in self._retired

    def put(self, lane: Lane) -> None:
        """Brings a version into service, in the place of one of its number without streams. It
        counts on from what its number has counted before.
        """
        self._leave(lane.model)
        if lane.model in self._past:
            self._past.pop(lane.model).add_to(lane.reading(0))
        self._lanes[lane.model] = lane
        self._refused.pop(lane.model, None)

    def refuse(self, model: ModelKey, reason: str) -> None:
        """Remembers that a file must not serve; what serves stays."""
        self._refused[model] = reason

    def reinstate(self, model: ModelKey) -> None:
        """A version in service, which its file still is, takes new streams again."""
        self._retired.discard(model)
        self._refused.pop(model, None)

    def retire(self, model: ModelKey) -> None:
        """The version takes no new streams, and leaves with its last one."""
        self._retired.add(model)
        self.leave_if_empty(model)

    def free(self, stream: Stream) -> None:
        """Takes the slot of a stream back that has ended here."""
        self._lanes[stream.model].free(stream)
        self.leave_if_empty(stream.model)

    def leave_if_empty(self, model: ModelKey) -> None:
        """Takes a version that was retired out of service, if it has no stream any more."""
        if model in self._retired and not self._lanes[model].slots.held:
            self._leave(model)

    def _leave(self, model: ModelKey) -> None:
        former = self._lanes.pop(model, None)
        if former:
            self._past[model] = former.reading(0).out_of_service()
            if len(self._past) > _PAST:
                self._past_steps += self._past.pop(next(iter(self._past))).steps.ran
            self._past_spent += former.spent
        self._retired.discard(model)

    def of(self, stream: Stream) -> Lane:
        """The lane of a living stream."""
        return self._lanes[stream.model]

    def resolve(self, request: OpenRequest) -> ModelKey:
        """The version that a new stream runs on. Raises ModelNotFound."""
        return self.named(request.model, request.version).model

    def named(self, name: str, version: int | None) -> Lane:
        """A version that takes new streams; `version` None: the newest. Raises ModelNotFound."""
        versions = [key.version for key in self._lanes.keys() - self._retired if key.name == name]
        if version is None and versions:
            version = max(versions)
        if version in versions:
            return self._lanes[ModelKey(name, version)]
        raise ModelNotFound(self._missing(name, version, versions))

    def _missing(self, name: str, version: int | None, versions: list[int]) -> str:
        refused = [key for key in self._refused if key.name == name]
        if version is not None:
            refused = [key for key in refused if key.version == version]
        if refused:
            return f"model {refused[-1]} does not serve: {self._refused[refused[-1]]}"
        if version is not None and ModelKey(name, version) in self._retired:
            return f"model {name}/{version} was unloaded and takes no new streams"
        if versions:
            return f"model {name!r} has no version {version}, only {_list(versions)}"
        if any(key.name == name for key in self._retired):
            return f"model {name!r} was unloaded and takes no new streams"
        serving = {key.name for key in self._lanes.keys() - self._retired}
        return f"there is no model {name!r}, only {_list(serving)}"

    def steps(self) -> int:
        """That have run, of all of them."""
        past = sum(reading.steps.ran for reading in self._past.values())
        return self._past_steps + past + sum(lane.counts.ran for lane in self)

    def computed(self) -> float:
        """Seconds of the processor that all runs took, and all loads."""
        ran = self._past_spent + sum(lane.spent for lane in self)
        return ran + self.loading_seconds

    def unsaved(self, stale: float) -> list[Stream]:
        """Streams to save: those that have changed, or were saved before `stale`."""
        return [stream for lane in self for stream in lane.unsaved(stale)]

    def checkpoints(self, streams: Sequence[Stream]) -> list[Checkpoint]:
        """Of each stream, in the order given."""
        by_lane: dict[ModelKey, list[Stream]] = {}
        for stream in streams:
            by_lane.setdefault(stream.model, []).append(stream)
        found = {
            stream: checkpoint
            for model, members in by_lane.items()
            for stream, checkpoint in zip(
                members, self._lanes[model].checkpoints(members), strict=True
            )
        }
        return [found[stream] for stream in streams]


def _list(items: Iterable[object]) -> str:
    return ", ".join(sorted(map(str, items))) or "none"
