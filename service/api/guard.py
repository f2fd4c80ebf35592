"""Who a call is from, and what it may touch."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol, TypeAlias

import grpc
from grpc_health.v1 import health

from service.access.credentials import ANYONE, Credential, Credentials, hash_token
from service.access.files import Watched
from service.api.errors import abort
from service.core.errors import ModelNotFound, NotAllowed, ServiceError, Unauthenticated
from service.core.streams import OpenRequest

Metadata = Iterable[tuple[str, str | bytes]]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"

REFRESH_SECONDS = 1.0
"""How long a change of the credentials may go unseen."""

_OPEN_TO_ALL = f"/{health.SERVICE_NAME}/"
_HOW = "send the metadata `authorization: Bearer TOKEN`"


class Endable(Protocol):
    """A call that may outlive its credential."""

    def end(self, error: ServiceError) -> None: ...


class Guard:
    """Without credentials every caller is `ANYONE`."""

    def __init__(self, tokens: Watched[Credentials] | None = None) -> None:
        self._tokens = tokens
        self._calls: dict[Endable, tuple[Credential, str | None]] = {}

    def caller(self, metadata: Metadata | None) -> Credential:
        """Who has sent the metadata of a call. Raises Unauthenticated."""
        if self._tokens is None:
            return ANYONE
        token = _token(metadata or ())
        if token is None:
            raise Unauthenticated(f"this server asks for a credential: {_HOW}")
        credential = self._tokens.content.find(hash_token(token))
        if credential is None:
            raise Unauthenticated("this server does not know the credential")
        return credential

    def operator(self, metadata: Metadata | None) -> Credential:
        """As `caller`. Raises NotAllowed if it may not load and unload models."""
        caller = self.caller(metadata)
        if not caller.operator:
            raise NotAllowed(
                "only an operator loads and unloads models: give the credential `operator = true`"
            )
        return caller

    @contextmanager
    def watching(
        self, call: Endable, caller: Credential, model: str | None = None
    ) -> Iterator[None]:
        """Ends the call if its caller has no right to it, at once or after a change.

        `model`: the one that the call uses; None: many, and any change ends it.
        """
        self._calls[call] = caller, model
        try:
            self._judge(call)
            yield
        finally:
            del self._calls[call]

    async def watch(self) -> None:
        """Keeps to the file of credentials, until it is cancelled."""
        while self._tokens:
            await asyncio.sleep(REFRESH_SECONDS)
            self.refresh()

    def refresh(self) -> None:
        """Reads the credentials again if their file has changed."""
        if self._tokens and self._tokens.refresh():
            for call in list(self._calls):
                self._judge(call)

    def _judge(self, call: Endable) -> None:
        if self._tokens is None:
            return
        caller, model = self._calls[call]
        credential = self._tokens.content.find(caller.token_hash)
        if not credential or credential.namespace != caller.namespace:
            call.end(Unauthenticated("the credential of this call has been withdrawn"))
        elif model is None and credential != caller:
            call.end(Unauthenticated("the credential of this call has changed: call again"))
        elif model is not None and not credential.covers(model):
            call.end(NotAllowed(f"the credential of this call does not cover model {model!r}"))


class Gate(grpc.aio.ServerInterceptor):
    """Turns away every call without a credential, whatever its method, save those for health."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        if not handler_call_details.method.startswith(_OPEN_TO_ALL):
            try:
                self._guard.caller(handler_call_details.invocation_metadata)
            except Unauthenticated as error:
                return _refusal(error)
        return await continuation(handler_call_details)


def within(request: OpenRequest, caller: Credential, serving: Iterable[str]) -> OpenRequest:
    """The request in the caller's namespace.

    Raises ModelNotFound for a model that the caller may not use: the same error, listing
    the same models, as for one that does not exist.
    """
    if request.model or request.starts_anew:
        check_model(request.model, caller, serving)
    return replace(request, namespace=caller.namespace)


def check_model(model: str, caller: Credential, serving: Iterable[str]) -> None:
    """Raises ModelNotFound. A caller of all models gets the engine's own answer instead."""
    if caller.covers_all:
        return
    allowed = {name for name in serving if caller.covers(name)}
    if model not in allowed:
        listed = ", ".join(sorted(allowed)) or "none"
        raise ModelNotFound(f"there is no model {model!r}, only {listed}")


def _token(metadata: Metadata) -> str | None:
    values = [value for key, value in metadata if key == "authorization"]
    if len(values) != 1 or not isinstance(values[0], str):
        return None
    scheme, _, token = values[0].partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _refusal(error: ServiceError) -> Handler:
    """Fits a method of any shape: it ends the call before it reads a message."""

    async def refuse(requests: object, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        await abort(context, error)

    return grpc.stream_stream_rpc_method_handler(refuse)
