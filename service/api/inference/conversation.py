"""How requests become those of sequences."""

from __future__ import annotations

from typing import NamedTuple, Protocol
from weakref import ref

from service.access.credentials import Credential
from service.api.guard import check_model
from service.api.inference import requests, versions
from service.api.inference.replies import ReplyForm
from service.api.inference.requests import Parameters
from service.api.inference.templates import Match, Template, Templates
from service.api.inference.wire import wire_of
from service.core.errors import InvalidRequest, ServiceError
from service.core.sequences import sequence_key
from service.engine import Engine
from service.lanes.lane import Lane
from service.sequences.request import Asker, SequenceRequest
from service.sequences.sequences import Sequences
from stepwire.inference import inference_pb2 as pb


class Envelope(NamedTuple):
    """What of a request its answer needs; its tag."""

    id: bytes
    size: int
    """Bytes of the request."""
    message: pb.ModelInferRequest | bytes
    """Parsed or not, to be read for the lane that answers."""
    form: ReplyForm | None = None
    """Once it was read."""


class StreamAsker(Asker, Protocol):
    def turn_away(self, id_: bytes, size: int, error: ServiceError) -> None:
        """A request of this id and so many bytes is none of any sequence's."""


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
        if match:
            lane = self._sequences.lane(match.template.key)
            if lane is not None and lane is match.template.lane():
                self._sequences.take(_alike(match, data, lane, received, asker))
                return
        message = pb.ModelInferRequest.FromString(data)
        try:
            request = self._understood(message, len(data), received, asker)
        except ServiceError as error:
            asker.turn_away(message.id.encode(), len(data), error)
            return
        if request.lane and request.is_plain and not request.refusal:
            self._learn(data, message, request, request.lane)
        self._sequences.take(request)

    def ask(self, message: pb.ModelInferRequest, asker: Asker) -> None:
        """Accepts a request. Raises InvalidRequest or ModelNotFound."""
        size = message.ByteSize()
        self._sequences.take(self._understood(message, size, self._engine.now, asker))

    def _learn(
        self, data: bytes, message: pb.ModelInferRequest, request: SequenceRequest, lane: Lane
    ) -> None:
        if message.raw_input_contents:
            places = requests.places(message, wire_of(lane))
            form = request.tag.form
            template = Template(request.key, request.model, request.version, ref(lane), form)
            self._templates.learn(data, message, places, template)

    def _understood(
        self, message: pb.ModelInferRequest, size: int, received: float, asker: Asker
    ) -> SequenceRequest:
        """Its inputs are read where it is known which lane has the sequence. What is wrong with
        it is told in its turn.

        Raises InvalidRequest of one that belongs to no sequence, or ModelNotFound.
        """
        given, model = requests.parameters(message), message.model_name
        self._check(model)
        tag = Envelope(message.id.encode(), size, message)
        if not given.id:
            return self._lone(message, given, received, asker, tag)
        request = SequenceRequest(
            sequence_key(self._caller.namespace, model, given.id),
            model,
            None,
            received,
            asker,
            given.start,
            given.end,
            given.step,
            given.timeout,
            refusal=given.wrong,
            tag=tag,
        )
        try:
            request.version = versions.number(message.model_version)
            lane = None if given.start else self._sequences.lane(request.key)
            if lane and not given.wrong:
                read(request, lane)
        except InvalidRequest as error:
            request.refusal = error
        return request

    def _lone(
        self,
        message: pb.ModelInferRequest,
        given: Parameters,
        received: float,
        asker: Asker,
        tag: Envelope,
    ) -> SequenceRequest:
        """Of no sequence: any stream of a model without states will do."""
        if given.wrong:
            raise given.wrong
        model, version = message.model_name, versions.number(message.model_version)
        _check_stateless(self._engine.named(model, version))
        key = self._sequences.lone(self._caller.namespace, model)
        return SequenceRequest(
            key, model, version, received, asker, lone=True, timeout=given.timeout, tag=tag
        )

    def _check(self, model: str) -> None:
        """Raises ModelNotFound for one that is not there, or not for the caller."""
        serving = {lane.model.name for lane in self._engine.lanes()}
        check_model(model, self._caller, serving)
        if model not in serving:
            self._engine.named(model, None)


def read(request: SequenceRequest, lane: Lane) -> None:
    """Fills in its inputs, as the lane's model takes them. Raises InvalidRequest."""
    id_, size, message, _ = request.tag
    if isinstance(message, bytes):
        message = pb.ModelInferRequest.FromString(message)
    wire = wire_of(lane)
    request.inputs = requests.inputs(message, wire)
    marks_final = requests.parameters(message).marks_final
    form = ReplyForm(wire, requests.wanted(message, wire), marks_final)
    request.tag = Envelope(id_, size, message, form)
    request.lane = lane


def _alike(match: Match, data: bytes, lane: Lane, received: float, asker: Asker) -> SequenceRequest:
    like, id_, inputs = match
    tag = Envelope(id_, len(data), data, like.form)
    return SequenceRequest(
        like.key, like.model, like.version, received, asker, lane=lane, inputs=inputs, tag=tag
    )


def _check_stateless(lane: Lane) -> None:
    if lane.signature.states:
        raise InvalidRequest(
            f"model {lane.model.name} has a hidden state, so each request belongs to a sequence: "
            "give it the parameter sequence_id, a number but 0 or a text, and sequence_start with "
            "its first timestep"
        )
