"""The model versions that serve, and those that must not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from service.core.checkpoint import Checkpoint
from service.core.errors import ModelNotFound
from service.core.streams import ModelKey, OpenRequest, Stream
from service.lane import Lane


class Lanes:
    def __init__(self, lanes: Mapping[ModelKey, Lane], refused: Mapping[ModelKey, str]) -> None:
        """`refused`: models that must not serve, with the reason."""
        self._lanes = dict(lanes)
        self._refused = dict(refused)

    def __iter__(self) -> Iterator[Lane]:
        return iter(list(self._lanes.values()))

    def __getitem__(self, model: ModelKey) -> Lane:
        """Raises ModelNotFound."""
        if model not in self._lanes:
            raise ModelNotFound(f"model {model} does not serve here")
        return self._lanes[model]

    def of(self, stream: Stream) -> Lane:
        """The lane of a living stream."""
        return self._lanes[stream.model]

    def resolve(self, request: OpenRequest) -> ModelKey:
        """The version that a new stream runs on. Raises ModelNotFound."""
        name, version = request.model, request.version
        versions = [key.version for key in self._lanes if key.name == name]
        if version is None and versions:
            return ModelKey(name, max(versions))
        if version in versions:
            return ModelKey(name, version)
        raise ModelNotFound(self._missing(name, version, versions))

    def _missing(self, name: str, version: int | None, versions: list[int]) -> str:
        refused = [key for key in self._refused if key.name == name]
        if version is not None:
            refused = [key for key in refused if key.version == version]
        if refused:
            return f"model {refused[-1]} does not serve: {self._refused[refused[-1]]}"
        if versions:
            return f"model {name!r} has no version {version}, only {_list(versions)}"
        return f"there is no model {name!r}, only {_list({key.name for key in self._lanes})}"

    def steps(self) -> int:
        """That have run, of all of them."""
        return sum(lane.counts.ran for lane in self)

    def computed(self) -> float:
        """Seconds that all runs took."""
        return sum(lane.counts.computed for lane in self)

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
