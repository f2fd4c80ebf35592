"""The answers to requests, written in bytes: most of one is the same for every timestep."""

from __future__ import annotations

from collections.abc import Sequence

from service.api.inference.wire import Wire, WireTensor
from service.api.varint import varint
from stepwire.inference import inference_pb2 as pb

_FINAL, _NEXT_STEP = "triton_final_response", "next_step"
_ID, _CONTENTS = b"\x1a", b"\x32"
"""Tags of ModelInferResponse: `id`, `raw_output_contents`."""
_ANSWER = b"\x12"
"""Tag of ModelStreamInferResponse: `infer_response`."""
_SHORT = 64
"""Bytes of an id, at most, for which what comes before is kept."""
_LONGEST_MESSAGE = 1000
"""Characters: it may quote what is too long for an answer."""


class ReplyForm:
    """Of requests that want the same outputs of one model."""

    def __init__(self, wire: Wire, outputs: Sequence[WireTensor], marks_final: bool) -> None:
        head = pb.ModelInferResponse(model_name=wire.model.name, model_version=wire.version)
        body = pb.ModelInferResponse(outputs=map(_described, outputs))
        if marks_final:
            body.parameters[_FINAL].bool_param = True
        self._head = head.SerializeToString()
        self._body = body.SerializeToString()
        self._contents = [(_CONTENTS + varint(each.nbytes), each.place) for each in outputs]
        self._contents_size = sum(len(tag) for tag, _ in self._contents)
        self._contents_size += sum(each.nbytes for each in outputs)
        self._leads: dict[int, bytes] = {}
        """What comes before the id in a ModelStreamInferResponse, by the length of a short one."""

    def response(self, id_: bytes, outputs: Sequence[bytes]) -> bytes:
        """A ModelInferResponse. `outputs`: of the whole signature."""
        return b"".join([self._before_id(len(id_)), id_, *self._tail(outputs)])

    def streamed(self, id_: bytes, outputs: Sequence[bytes]) -> bytes:
        """A ModelStreamInferResponse."""
        lead = self._leads.get(len(id_)) or self._lead(len(id_))
        return b"".join([lead, id_, *self._tail(outputs)])

    def _lead(self, id_size: int) -> bytes:
        before = self._before_id(id_size)
        size = len(before) + id_size + self._contents_size
        lead = _ANSWER + varint(size) + before
        if id_size <= _SHORT:
            self._leads[id_size] = lead
        return lead

    def _before_id(self, id_size: int) -> bytes:
        before = self._head + self._body
        return before + _ID + varint(id_size) if id_size else before

    def _tail(self, outputs: Sequence[bytes]) -> list[bytes]:
        parts: list[bytes] = []
        for tag, place in self._contents:
            parts += (tag, outputs[place])
        return parts


def refusal(id_: bytes, message: str, next_step: int | None = None) -> bytes:
    """A ModelStreamInferResponse. `next_step`: of the sequence, if it has one."""
    response = pb.ModelStreamInferResponse(error_message=message[:_LONGEST_MESSAGE])
    response.infer_response.id = id_.decode()
    if next_step is not None:
        response.infer_response.parameters[_NEXT_STEP].int64_param = next_step
    return response.SerializeToString()


def _described(tensor: WireTensor) -> pb.ModelInferResponse.InferOutputTensor:
    return pb.ModelInferResponse.InferOutputTensor(
        name=tensor.name, datatype=tensor.datatype, shape=tensor.shape
    )
