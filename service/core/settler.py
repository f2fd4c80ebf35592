"""The settler: the answers to steps that are not to run."""

from __future__ import annotations

from service.core.counts import StepCounts
from service.core.errors import StepFault
from service.core.lateness import LatePolicy, Verdict, is_late
from service.core.model import Signature
from service.core.session import Judgement, Sessions
from service.core.steps import Answer, Output, Step, StepError


class Settler:
    def __init__(self, signature: Signature, sessions: Sessions, counts: StepCounts) -> None:
        self._sizes = tuple(spec.nbytes for spec in signature.inputs)
        self._expects = ", ".join(f"{spec} ({spec.nbytes} bytes)" for spec in signature.inputs)
        self._sessions = sessions
        self._counts = counts

    def settle(self, slot: int, step: Step, policy: LatePolicy, now: float) -> Answer | None:
        """The answer to a step that is not to run now, else None."""
        fits = tuple(map(len, step.inputs)) == self._sizes
        if step.number == self._sessions.next_step(slot):
            if not fits:
                return self._malformed(slot, step)
            if step.budget is None and step.verdict is None:
                return None
            return self._hold_or_reject(slot, step, policy, now)
        judgement = self._sessions.judge(slot, step)
        if judgement is Judgement.REPLAY:
            if fits:
                return self._replay(slot, step)
            judgement = Judgement.CONFLICT  # zeros more or less do not change a checksum
        return self._refuse(slot, step, judgement)

    def _replay(self, slot: int, step: Step) -> Output:
        kept = self._sessions.kept(slot, step.number)
        self._counts.replays += 1
        return Output(step.number, kept.outputs, kept.verdict)

    def _refuse(self, slot: int, step: Step, judgement: Judgement) -> StepError:
        expected = self._sessions.next_step(slot)
        if judgement is Judgement.GAP:
            fault, message = StepFault.STEP_GAP, f"step {step.number} is ahead of the stream"
        elif judgement is Judgement.CONFLICT:
            fault = StepFault.STEP_CONFLICT
            message = f"step {step.number} has already run, with other inputs"
        else:
            fault = StepFault.STEP_TOO_OLD
            message = (
                f"step {step.number} has already run, and only the last "
                f"{self._sessions.window} outputs are kept"
            )
        return self.error(slot, step, fault, f"{message}: send step {expected}")

    def _malformed(self, slot: int, step: Step) -> StepError:
        got = ", ".join(f"{len(tensor)} bytes" for tensor in step.inputs) or "nothing"
        message = f"step {step.number} expects {self._expects}; got {got}"
        return self.error(slot, step, StepFault.INVALID_INPUT, message)

    def _hold_or_reject(
        self, slot: int, step: Step, policy: LatePolicy, now: float
    ) -> Answer | None:
        if step.verdict is not None:
            held = step.verdict is Verdict.HELD
        elif not is_late(step.received, step.budget, step.age, now):
            return None
        elif policy is LatePolicy.REJECT:
            spent = now - step.received + step.age
            message = f"step {step.number} was late by {spent - (step.budget or 0):.6f} s"
            return self.error(slot, step, StepFault.STEP_LATE, message)
        else:
            held = policy is LatePolicy.HOLD
        if not held or not self._sessions.can_hold(slot):
            return None
        kept = self._sessions.hold(slot, step.checksum)
        self._counts.held += 1
        return Output(step.number, kept.outputs, kept.verdict, queued=now - step.received)

    def error(self, slot: int, step: Step, fault: StepFault, message: str) -> StepError:
        self._counts.faults[fault] += 1
        return StepError(step.number, fault, message, self._sessions.next_step(slot))
