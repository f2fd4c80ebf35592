"""How requests become those of sequences, for a caller."""

from __future__ import annotations

import secrets

from service.access.credentials import Credential
from service.api.guard import check_model
from service.api.inference import requests, versions
from service.api.inference.replies import Envelope
from service.api.inference.wire import wire_of
from service.core.errors import InvalidRequest
from service.core.sequences import lone_key, sequence_key
from service.engine import Engine
from service.lanes.lane import Lane
from service.sequences.request import Asker, SequenceRequest
from service.sequences.sequences import Sequences
from stepwire.inference import inference_pb2 as pb


class Conversation:
    def __init__(self, engine: Engine, sequences: Sequences, caller: Credential) -> None:
        self._engine = engine
        self._sequences = sequences
        self._caller = caller
        self._all = caller.covers_all

    def begin(self, message: pb.ModelInferRequest, asker: Asker) -> None:
        """Accepts a request, which `asker` hears of. Raises InvalidRequest or ModelNotFound."""
        received = self._engine.now
        given = requests.parameters(message)
        model, version = message.model_name, versions.number(message.model_version)
        start, end = given.start, given.end
        if given.id:
            key = sequence_key(self._caller.namespace, model, given.id)
            lane = None if start else self._sequences.lane(key)
            if lane is None or not (self._all or self._caller.covers(model)):
                lane = self._named(model, version)
        else:
            lane = self._named(model, version)
            _check_stateless(lane)
            key = lone_key(self._caller.namespace, model, secrets.randbits(64))
            start = end = True
        wire = wire_of(lane)
        self._sequences.take(
            SequenceRequest(
                key,
                model,
                version,
                requests.inputs(message, wire),
                received,
                asker,
                start,
                end,
                given.step,
                given.timeout,
                Envelope(message.id, requests.wanted(message, wire), given.marks_final),
            )
        )

    def _named(self, model: str, version: int | None) -> Lane:
        """Where a sequence of the caller's would start. Raises ModelNotFound."""
        check_model(model, self._caller, (lane.model.name for lane in self._engine.lanes()))
        return self._engine.named(model, version)


def _check_stateless(lane: Lane) -> None:
    if lane.signature.states:
        raise InvalidRequest(
            f"model {lane.model.name} has a hidden state, so each request belongs to a sequence: "
            "give it the parameter sequence_id, a number but 0 or a text, and sequence_start with "
            "its first timestep"
        )
