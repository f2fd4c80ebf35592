"""The entries of a fleet's messages: each has its timestep run with the others, alone, or is
refused.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from service.api.native import fleet_messages
from service.api.native.members import Members
from service.core.blocks import Block, BlockOwner
from service.core.errors import StepFault
from service.core.model import Array
from service.core.roster import Place
from service.core.slots import Index
from service.core.steps import Answer, StepError
from service.engine import Engine
from service.lanes.lane import Lane
from stepwire.v1 import stream_pb2 as pb


class Owner(BlockOwner, Protocol):
    def answer_one(self, handle: int, answer: Answer) -> None:
        """Takes the answer to an entry that goes by itself, or is refused."""


class Entries:
    """An entry beyond the window of its stream gets an error, so that it does not hold up the
    others.
    """

    def __init__(self, engine: Engine, members: Members, owner: Owner) -> None:
        self._engine = engine
        self._members = members
        self._roster = members.roster
        self._owner = owner

    def take(self, message: pb.FleetSteps) -> None:
        """Raises HandlesRefused and InvalidRequest, and then takes none."""
        roster = self._roster
        cast = roster.cast(message.handles)
        if not len(cast.handles):
            return
        block = Block(
            self._owner,
            cast.handles,
            cast.tenancies,
            cast.rows,
            cast.changes,
            *fleet_messages.steps(message, len(cast.handles), self._engine.now),
        )
        lane = self._members.lanes[cast.lane]
        if not self._fits(block, lane):
            return
        full = roster.unanswered[cast.index] >= lane.window
        if full.any() or cast.singles is not None or cast.lost is not None:
            self._sort(block, full, lane)
            return
        self._submit(block, cast.index, lane)

    def _sort(self, block: Block, full: Array, lane: Lane) -> None:
        """Each entry on its way: refused, one by one, or with the others."""
        places = self._roster.places[block.handles]
        self._refuse(block, full & (places != Place.LOST), lane)
        self._submit_singly(block, ~full & (places == Place.SINGLE))
        together = block.part(~full & (places == Place.BLOCK))
        if len(together):
            self._submit(together, together.handles, lane)

    def _fits(self, block: Block, lane: Lane) -> bool:
        """Whether the tensors have the size of so many entries; otherwise each is refused."""
        expected = [len(block) * spec.nbytes for spec in lane.signature.inputs]
        got = [len(data) for data in block.inputs]
        if got == expected:
            return True
        message = f"{len(block)} entries have {expected} bytes of inputs, not {got}"
        self._refuse_all(block, StepFault.INVALID_INPUT, message, lane)
        return False

    def _refuse(self, block: Block, full: Array, lane: Lane) -> None:
        if full.any():
            message = f"{lane.window} steps of the stream are unanswered, as many as its window"
            self._refuse_all(block.part(full), StepFault.RESOURCE_EXHAUSTED, message, lane)

    def _refuse_all(self, block: Block, fault: StepFault, message: str, lane: Lane) -> None:
        for entry, handle in enumerate(block.handles.tolist()):
            if self._roster.places[handle] != Place.LOST:
                stream = self._owner.stream(handle)
                self._roster.unanswered[handle] += 1
                lane.counts.faults[fault] += 1
                error = StepError(block.number(entry), fault, message, lane.next_step(stream))
                self._members.refusals.tell(stream.key, lane.model, error)
                self._owner.answer_one(handle, error)

    def _submit_singly(self, block: Block, entries: Array) -> None:
        for entry in np.flatnonzero(entries).tolist():
            handle = block.handles.item(entry)
            self._engine.submit(self._owner.stream(handle), block.step(entry))
            self._roster.unanswered[handle] += 1

    def _submit(self, block: Block, handles: Index, lane: Lane) -> None:
        """Counts steps once they are accepted: the answers come in a later turn, and a call that
        ends must not wait for those of steps that were not.
        """
        self._engine.submit_block(lane, block)
        self._roster.unanswered[handles] += 1
