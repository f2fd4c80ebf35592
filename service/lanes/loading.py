"""Loading: packages become lanes, when the service starts and while it runs."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from service.core.errors import ModelNotFound, ModelRefused
from service.core.model import StateSpec
from service.core.streams import ModelKey
from service.lanes.lane import Lane
from service.lanes.lanes import Lanes
from service.lanes.place import Place
from service.repository.description import Description, describe
from service.repository.manifest import GOLDEN_KEY
from service.repository.packages import Package, RepositoryError, package_at, scan, versions
from service.runtime.arena import StateRows
from service.runtime.batching import Batching
from service.runtime.device import Device
from service.runtime.graph import Graph
from service.runtime.loading import proven_stepper
from service.runtime.numerics import numerics
from service.runtime.spilling import arena_within
from service.runtime.stepper import Stepper
from service.runtime.telling import line
from service.runtime.threads import faster
from service.runtime.trial import random_inputs

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Loader:
    """Every method reads files, and may take as long as the disk and the model do."""

    repository: Path
    window: int
    """Outputs kept per stream."""
    max_batch: int
    """Rows of one run."""
    threads: int | None
    """Of one run; None: as many as it is worth."""
    processors: int = 1
    """That a run may have at most, where it is not said."""
    place: Place = field(default_factory=Place)
    """Where models run."""
    max_streams: int = 10_000
    """Kept at a time, of all models together."""

    def load_all(self) -> Lanes:
        """Every package that may serve, and why the others may not. Raises RepositoryError."""
        lanes: dict[ModelKey, Lane] = {}
        refused: dict[ModelKey, str] = {}
        for package in scan(self.repository):
            try:
                lanes[package.key] = self.load(package)
            except ModelRefused as error:
                refused[package.key] = str(error)
        return Lanes(lanes, refused)

    def versions(self) -> list[ModelKey]:
        """What the repository has, loaded or not. Raises ModelNotFound if it is no folder."""
        try:
            return versions(self.repository)
        except RepositoryError as error:
            raise ModelNotFound(str(error)) from error

    def find(self, name: str, version: int | None) -> Package:
        """The package of a name that a client has sent; `version` None: the newest.

        Raises ModelNotFound.
        """
        if version is None:
            known = [key.version for key in self.versions() if key.name == name]
            version = max(known, default=1)
        try:
            return package_at(self.repository, name, version)
        except RepositoryError as error:
            raise ModelNotFound(str(error)) from error

    def digest(self, package: Package) -> str:
        """Of the package as it is on disk. Raises ModelRefused if it cannot be read."""
        try:
            return _digest(hashlib.sha256(package.path.read_bytes()).hexdigest(), package)
        except OSError as error:
            raise ModelRefused(f"it cannot be read: {error.strerror or error}") from error

    def load(self, package: Package) -> Lane:
        """Loads the package and has it prove itself. Raises ModelRefused, in one line."""
        started, known = time.perf_counter(), {"model": str(package.key)}
        try:
            lane = self._load(package)
        # CuPy's errors are RuntimeErrors, and so is the one of too deep a recursion.
        except (ModelRefused, OSError, MemoryError, RuntimeError) as error:
            self.place.loss.notice(error)
            reason = getattr(error, "strerror", None) or line(error)  # without the folder
            reason += self.place.room(reason)
            extra = known | {"error": ModelRefused.name}
            log.error("refused %s: %s", package.key, reason, extra=extra)
            raise ModelRefused(reason) from error
        log.info("loaded %s in %.2f s", package.key, time.perf_counter() - started, extra=known)
        return lane

    def _load(self, package: Package) -> Lane:
        graph = Graph(package.path, threads=self.threads or 1, device=self.place.device)
        digest, facts = _digest(graph.digest, package), graph.facts
        found = describe(facts, package.declaration)
        if found.inferred:
            log.info(
                "%s, not made by an export: %s",
                package.key,
                found.inferred,
                extra={"model": str(package.key)},
            )
        if graph.strays:
            log.warning(
                "%s: %s has no kernel for %s: the host computes that, over the bus at every step",
                package.key,
                self.place.device.name,
                graph.strays,
                extra={"model": str(package.key)},
            )
        stepper = self._stepper(graph, found)
        if not self.place.device.is_host and stepper.batching is Batching.ONE:
            log.warning(
                "%s: its streams run one by one, for no two may share a run: on %s their states "
                "cross the bus at every step",
                package.key,
                self.place.device.name,
                extra={"model": str(package.key)},
            )
        if self.threads is None and self.processors > 1 and self.place.device.is_host:
            stepper = self._with_threads(package, found, stepper)
        if self.digest(package) != digest:
            raise ModelRefused("its files changed while they were read: load it again")
        return Lane(
            package.key,
            digest,
            stepper,
            window=self.window,
            max_batch=self.max_batch,
            numerics=numerics(self.place.device),
            metadata={key: text for key, text in facts.metadata.items() if key != GOLDEN_KEY},
            loss=self.place.loss,
        )

    def _with_threads(self, package: Package, found: Description, alone: Stepper) -> Stepper:
        def several() -> Stepper:
            return self._stepper(Graph(package.path, threads=self.processors), found)

        golden = found.golden
        inputs = golden.inputs if golden else random_inputs(found.signature)
        try:
            stepper = faster(alone, several, inputs, self.max_batch)
        except (ModelRefused, MemoryError) as error:
            log.warning("%s: a run stays with one thread: %s", package.key, error)
            return alone
        if stepper:
            log.info("%s: a run is worth %d threads", package.key, self.processors)
        return stepper or alone

    def _stepper(self, graph: Graph, found: Description) -> Stepper:
        return proven_stepper(
            graph,
            found.signature,
            found.golden,
            found.constants,
            max_batch=self.max_batch,
            states=self._arena,
        )

    def _arena(self, states: Sequence[StateSpec], device: Device) -> StateRows:
        """Made when the device has the model's weights, and memory for its runs."""
        return arena_within(
            self.place.for_states(),
            states,
            device,
            streams=self.max_streams,
            max_batch=self.max_batch,
        )


def _digest(graph: str, package: Package) -> str:
    """What is declared changes what is computed."""
    if package.declaration is None:
        return graph
    return hashlib.sha256(graph.encode() + package.declaration.read_bytes()).hexdigest()
