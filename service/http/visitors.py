"""Who looks at the live page, and what they may see."""

from __future__ import annotations

import ipaddress

from service.access import tokens
from service.access.credentials import Credential, Credentials, hash_token
from service.access.files import Watched
from service.access.tokens import TokensError
from service.console.view import Scope
from service.core.errors import NotAllowed, Unauthenticated
from service.settings import Settings
from service.startup import StartError


class Visitors:
    def __init__(self, host: str, known: Watched[Credentials] | None = None) -> None:
        """`host`: that the port listens on. `known`: who may look; None: anyone."""
        self._host = host
        self._known = known

    def scope(self, host: str, authorization: str | None) -> Scope:
        """Of a request with these headers: an operator sees all, others the models of their
        credential and the streams of their namespace.

        Raises Unauthenticated or NotAllowed.
        """
        if self._known is None:
            self._check_host(host)
            return Scope()
        self._known.refresh()
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated("this page asks for a token: `authorization: Bearer TOKEN`")
        credential = _found(self._known.content, token.strip())
        if credential is None:
            raise Unauthenticated("this server does not know the token")
        if credential.operator:
            return Scope()
        return Scope(credential.namespace, credential.models)

    def _check_host(self, header: str) -> None:
        """A page elsewhere can have a name of its own resolve to this machine, and would then
        read what is answered: only a name that nobody else can give away is answered.
        """
        host = _name(header)
        if not (host in ("localhost", self._host) or _is_number(host)):
            raise NotAllowed(
                f"this page is not at {header[:140]!r}: open it by the address of the machine, "
                "or serve with --tokens"
            )


def visitors_of(settings: Settings) -> Visitors | None:
    """None: there is no page. Raises StartError."""
    if not settings.serves_console or settings.http_listen is None:
        return None
    host = _name(settings.http_listen)
    try:
        return Visitors(host, tokens.watch(settings.tokens) if settings.tokens else None)
    except TokensError as error:
        raise StartError(str(error)) from error


def _found(known: Credentials, token: str) -> Credential | None:
    try:
        return known.find(hash_token(token))
    except UnicodeEncodeError:  # a header may hold bytes that are no text
        return None


def _name(address: str) -> str:
    """Without the port."""
    bare = address if address.endswith("]") else address.rpartition(":")[0] or address
    return bare.strip("[]").lower()


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
