"""A stream of a fleet in a call of its own for a while, over a raw call."""

from __future__ import annotations

import random
import secrets

import grpc

from stepwire.v1 import stream_pb2 as pb
from stepwire.v1 import stream_pb2_grpc as pb_grpc
from torture.member import Member
from torture.promises import PromiseBroken, promised
from torture.raw import OVER, OWN_CONNECTION
from torture.witness import Observation

_SPENT, _AGE = 1, 2
"""Microseconds: a budget, and more than that."""
_MOST_STEPS = 5


async def visit(address: str, member: Member, source: random.Random) -> None:
    """Takes the stream from whoever has it, makes some steps, and leaves it detached.

    Its `home` is nobody's afterwards. Raises PromiseBroken.
    """
    async with grpc.aio.insecure_channel(address, options=OWN_CONNECTION) as channel:
        stub: pb_grpc.StreamInferenceAsyncStub = pb_grpc.StreamInferenceStub(channel)
        call = _Call(stub.Stream(), member)
        await call.open()
        for _ in range(source.randint(0, _MOST_STEPS)):
            await call.step()
        if source.random() < 0.5:
            await call.finish()
    member.home = None


class _Call:
    def __init__(
        self, call: grpc.aio.StreamStreamCall[pb.StreamRequest, pb.StreamResponse], member: Member
    ) -> None:
        self._call = call
        self._member = member

    async def open(self) -> None:
        opening = self._member.opening(pb.OPEN_MODE_RESUME, secrets.token_bytes(8))
        await self._call.write(pb.StreamRequest(open=opening))
        opened = (await self._hear()).opened
        member = self._member
        promised(
            member.made <= opened.next_step <= member.sent,
            f"a stream that was sent {member.sent} steps and answered {member.made} was opened "
            f"at step {opened.next_step}",
        )

    async def step(self) -> None:
        member, number = self._member, self._member.made
        step = pb.Step(step=number, inputs=[member.input(number)])
        late = member.is_late(number)
        if late:
            step.budget_us, step.age_us = _SPENT, _AGE
        member.sent = max(member.sent, number + 1)
        await self._call.write(pb.StreamRequest(step=step))
        answer = await self._hear()
        if answer.WhichOneof("event") == "error":
            refused = answer.error.code == pb.StepError.CODE_STEP_LATE
            rejects = member.policy == pb.LATE_POLICY_REJECT
            promised(
                refused and rejects and late, f"a step of a visitor was refused: {answer.error}"
            )
            member.refuse_late(number)
            return
        output = answer.output
        seen = Observation(output.outputs[0], int.from_bytes(output.outputs[1], "little"))
        member.note(output.step, seen, output.verdict)

    async def finish(self) -> None:
        await self._call.done_writing()
        while await self._call.read() is not grpc.aio.EOF:
            pass

    async def _hear(self) -> pb.StreamResponse:
        answer = None
        try:
            while not isinstance(answer, pb.StreamResponse) or answer.HasField("durable"):
                answer = await self._call.read()
                if answer is grpc.aio.EOF:
                    break
        except OVER:
            answer = None
        if not isinstance(answer, pb.StreamResponse):
            code, details = await self._call.code(), await self._call.details()
            raise PromiseBroken(f"the call of a visitor ended: {code.name} {details}")
        return answer
