"""How requests become those of sequences."""

from __future__ import annotations

import secrets
from typing import NamedTuple, Protocol
from weakref import ref

from service.access.credentials import Credential
from service.api.guard import check_model
from service.api.inference import requests, versions
from service.api.inference.replies import ReplyForm
from service.api.inference.templates import Match, Template, Templates
from service.api.inference.wire import WireTensor, wire_of
from service.core.errors import InvalidRequest, ServiceError
from service.core.sequences import lone_key, sequence_key
from service.engine import Engine
from service.lanes.lane import Lane
from service.sequences.request import Asker, SequenceRequest
from service.sequences.sequences import Sequences
from stepwire.inference import inference_pb2 as pb


class Envelope(NamedTuple):
    """What of a request its answer needs; its tag."""

    id: bytes
    form: ReplyForm


class StreamAsker(Asker, Protocol):
    def refuse(self, id_: bytes, error: ServiceError) -> None:
        """A request of this id is none of any sequence's."""


class Conversation:
    """What one caller asks on one call."""

    def __init__(self, engine: Engine, sequences: Sequences, caller: Credential) -> None:
        self._engine = engine
        self._sequences = sequences
        self._caller = caller
        self._templates = Templates()

    def hear(self, data: bytes, asker: StreamAsker) -> None:
        """Accepts a serialised ModelInferRequest. Raises DecodeError."""
        received = self._engine.now
        match = self._templates.match(data)
        if match and self._sequences.lane(match.template.key) is match.template.lane():
            self._sequences.take(_alike(match, received, asker))
            return
        message = pb.ModelInferRequest.FromString(data)
        try:
            request, lane = self._read(message, received, asker)
        except ServiceError as error:
            asker.refuse(message.id.encode(), error)
            return
        self._sequences.take(request)
        if request.is_plain and message.raw_input_contents:
            self._learn(data, message, request, lane)

    def ask(self, message: pb.ModelInferRequest, asker: Asker) -> None:
        """Accepts a request. Raises InvalidRequest or ModelNotFound."""
        request, _ = self._read(message, self._engine.now, asker)
        self._sequences.take(request)

    def _learn(
        self, data: bytes, message: pb.ModelInferRequest, request: SequenceRequest, lane: Lane
    ) -> None:
        places = requests.places(message, wire_of(lane))
        form: ReplyForm = request.tag.form
        template = Template(request.key, request.model, request.version, ref(lane), form)
        self._templates.learn(data, message, places, template)

    def _read(
        self, message: pb.ModelInferRequest, received: float, asker: Asker
    ) -> tuple[SequenceRequest, Lane]:
        """And the lane whose tensors it fits. Raises InvalidRequest or ModelNotFound."""
        given = requests.parameters(message)
        model, version = message.model_name, versions.number(message.model_version)
        start, end = given.start, given.end
        self._check(model)
        if given.id:
            key = sequence_key(self._caller.namespace, model, given.id)
            living = None if start else self._sequences.lane(key)
            lane = living or self._engine.named(model, version)
        else:
            lane = self._engine.named(model, version)
            _check_stateless(lane)
            key = lone_key(self._caller.namespace, model, secrets.randbits(64))
            start = end = True
        request = SequenceRequest(
            key, model, version, (), received, asker, start, end, given.step, given.timeout
        )
        wire = wire_of(lane)
        outputs: tuple[WireTensor, ...] = ()
        try:
            request.inputs = requests.inputs(message, wire)
            outputs = requests.wanted(message, wire)
        except InvalidRequest as error:
            request.refusal = error
        form = ReplyForm(wire, outputs, given.marks_final)
        request.tag = Envelope(message.id.encode(), form)
        return request, lane

    def _check(self, model: str) -> None:
        """Raises ModelNotFound if the caller may not use it."""
        check_model(model, self._caller, (lane.model.name for lane in self._engine.lanes()))


def _alike(match: Match, received: float, asker: Asker) -> SequenceRequest:
    like, id_, inputs = match
    tag = Envelope(id_, like.form)
    return SequenceRequest(like.key, like.model, like.version, inputs, received, asker, tag=tag)


def _check_stateless(lane: Lane) -> None:
    if lane.signature.states:
        raise InvalidRequest(
            f"model {lane.model.name} has a hidden state, so each request belongs to a sequence: "
            "give it the parameter sequence_id, a number but 0 or a text, and sequence_start with "
            "its first timestep"
        )
