"""Orders about models, as callers may give them: for every process of the service."""

from __future__ import annotations

from service.api.errors import abort_by_name
from service.api.guard import Guard
from service.api.unary import Context
from service.core.errors import NotAllowed
from service.core.swap import Swap
from service.operations.deployment import Deployment
from service.operations.orders import Action, FanOut, ModelState, Order, Outcome
from service.operations.outcomes import combined


class Orders:
    def __init__(self, deployment: Deployment, fan_out: FanOut, guard: Guard) -> None:
        """`deployment`: of this process. `fan_out` reaches every process."""
        self._deployment = deployment
        self._fan_out = fan_out
        self._guard = guard

    async def listed(self, model: str, context: Context) -> list[ModelState]:
        """Of the versions that the caller may know of; `model` empty: of every model."""
        caller = self._guard.caller(context.invocation_metadata())
        outcome = await self._carried_out(Order(Action.LIST, model), context)
        return [state for state in outcome.models if caller.covers(state.name)]

    async def load(self, model: str, version: int | None, swap: Swap, context: Context) -> Outcome:
        """`version` None: the newest on disk. Raises NotAllowed or ModelNotFound."""
        self._check_operator(context, model)
        key = (await self._deployment.find(model, version)).key
        outcome = await self._carried_out(Order(Action.LOAD, *key), context)
        if swap is Swap.HANDOVER:
            # Only what serves in every process may take streams over.
            outcome = await self._carried_out(Order(Action.LOAD, *key, hand_over=True), context)
        return outcome

    async def unload(self, model: str, version: int | None, context: Context) -> Outcome:
        """`version` None: every version in service. Raises NotAllowed."""
        self._check_operator(context, model)
        return await self._carried_out(Order(Action.UNLOAD, model, version), context)

    def _check_operator(self, context: Context, model: str) -> None:
        """Raises NotAllowed, whether or not there is such a model."""
        caller = self._guard.operator(context.invocation_metadata())
        if not caller.covers(model):
            raise NotAllowed(f"the credential of this call does not cover model {model[:140]!r}")

    async def _carried_out(self, order: Order, context: Context) -> Outcome:
        """Ends the call if it was not."""
        outcome = combined(await self._fan_out(order))
        if outcome.error:
            await abort_by_name(context, outcome.error, outcome.message)
        return outcome
