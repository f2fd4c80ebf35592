"""Wire messages to domain objects and back."""

from __future__ import annotations

import math
import secrets

from service.core.directory import TOKEN_BYTES
from service.core.errors import InvalidRequest, StepFault
from service.core.lateness import LatePolicy, Verdict
from service.core.model import TensorSpec
from service.core.steps import Answer, Output, Step, StepError
from service.core.streams import Mode, OpenRequest
from service.lanes.lane import Lane
from service.runtime.stepper import Batching
from service.streams.opening import Opened
from stepwire.v1 import stream_pb2 as pb

_MODES = {mode.value: mode for mode in Mode} | {pb.OPEN_MODE_UNSPECIFIED: Mode.CREATE}
_POLICIES = {policy.value: policy for policy in LatePolicy} | {
    pb.LATE_POLICY_UNSPECIFIED: LatePolicy.FLAG
}
_VERDICTS = {verdict.value: verdict for verdict in Verdict}
_WIRE_VERDICTS = {verdict: pb.Verdict.Value(f"VERDICT_{verdict.name}") for verdict in Verdict}
_WIRE_CODES = {fault: pb.StepError.Code.Value(f"CODE_{fault.name}") for fault in StepFault}
_MICRO = 1e-6
_UINT32_MAX = 2**32 - 1


def open_request(message: pb.Open) -> OpenRequest:
    """Id and token are made here if the client left them out. Raises InvalidRequest."""
    mode = _MODES.get(message.mode)
    policy = _POLICIES.get(message.late_policy)
    if mode is None:
        raise InvalidRequest(f"mode {message.mode} is not known here")
    if policy is None:
        raise InvalidRequest(f"late policy {message.late_policy} is not known here")
    if not 0 <= message.rate_hz < math.inf:
        raise InvalidRequest(f"a rate is a number of timesteps a second, not {message.rate_hz}")
    request = OpenRequest(
        stream_id=message.stream_id or secrets.token_hex(8),
        token=message.token or secrets.token_bytes(TOKEN_BYTES),
        mode=mode,
        model=message.model,
        version=message.version or None,
        late_policy=policy,
        holder=message.holder,
        sync=message.sync,
        rate_hz=message.rate_hz,
    )
    if not request.starts_anew and not (message.stream_id and message.token):
        raise InvalidRequest("resuming needs the stream's id and token")
    return request


def step(message: pb.Step, received: float) -> Step:
    verdict = _VERDICTS.get(message.verdict)
    if not message.HasField("budget_us"):
        return Step(message.step, tuple(message.inputs), received, None, 0.0, verdict)
    budget, age = message.budget_us * _MICRO, message.age_us * _MICRO
    return Step(message.step, tuple(message.inputs), received, budget, age, verdict)


def opening(result: Opened) -> pb.StreamResponse:
    return pb.StreamResponse(opened=opened(result))


def opened(result: Opened) -> pb.Opened:
    stream, lane = result.stream, result.lane
    return pb.Opened(
        stream_id=stream.id,
        token=result.token,
        model=stream.model.name,
        version=stream.model.version,
        signature=_signature(lane),
        next_step=result.next_step,
        idle_limit_ms=round(result.idle_limit * 1000),
        durable=result.durable,
        window=lane.window,
        durable_step=result.durable_step,
        exact=stream.exact,
    )


def _signature(lane: Lane) -> pb.Signature:
    return pb.Signature(
        inputs=map(_tensor, lane.signature.inputs),
        outputs=map(_tensor, lane.signature.outputs),
        digest=lane.digest,
        one_stream_per_run=lane.batching is Batching.ONE,
    )


def _tensor(spec: TensorSpec) -> pb.TensorSpec:
    return pb.TensorSpec(
        name=spec.name,
        dtype=spec.dtype.name,
        shape=spec.shape,
        features=spec.features,
        symbols=spec.symbols,
    )


def answer(given: Answer, durable_step: int) -> pb.StreamResponse:
    if isinstance(given, Output):
        # Filled in place: the constructor would take a finished output and copy it.
        response = pb.StreamResponse()
        output = response.output
        output.step = given.number
        output.outputs.extend(given.outputs)
        output.verdict = _WIRE_VERDICTS[given.verdict]
        output.batch_size = given.batch_size
        output.queue_us = microseconds(given.queued)
        output.compute_us = microseconds(given.computed)
        output.durable_step = durable_step
        return response
    return pb.StreamResponse(error=error(given))


def error(given: StepError) -> pb.StepError:
    return pb.StepError(
        step=given.number,
        code=_WIRE_CODES[given.fault],
        message=given.message,
        next_step=given.next_step,
    )


def durable(step: int) -> pb.StreamResponse:
    return pb.StreamResponse(durable=pb.Durable(durable_step=step))


def going_away(reason: str) -> pb.StreamResponse:
    return pb.StreamResponse(going_away=pb.GoingAway(reason=reason))


def microseconds(seconds: float) -> int:
    return min(int(seconds * 1e6), _UINT32_MAX)
