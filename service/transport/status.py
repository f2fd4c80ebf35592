"""How a call is to end, as its handler sets it before it does, and whether it has."""

from __future__ import annotations

from collections.abc import Iterable

import grpc
from grpc import StatusCode

from service.transport.metadata import Metadata


class Status:
    def __init__(self) -> None:
        self._trailing: Metadata = ()
        self._code = StatusCode.OK
        self._details = ""
        self._abortion: BaseException | None = None
        self.is_ended = False
        """Whether it has its status."""
        self.is_gone = False
        """Whether the client has left, or has been told everything."""

    def cancelled(self) -> bool:
        return self.is_gone and not self.is_ended

    def done(self) -> bool:
        return self.is_ended or self.is_gone

    def _check(self) -> None:
        """Raises AbortError after an abort and UsageError after the end."""
        if self._abortion:
            raise self._abortion
        if self.is_ended or self.is_gone:
            raise grpc.aio.UsageError("the call has ended")

    def set_trailing_metadata(self, given: Iterable[tuple[str, str | bytes]]) -> None:
        self._trailing = tuple(given)

    def trailing_metadata(self) -> Metadata:
        return self._trailing

    def set_code(self, code: StatusCode) -> None:
        self._code = code

    def code(self) -> StatusCode:
        return self._code

    def set_details(self, details: str) -> None:
        self._details = details

    def details(self) -> str:
        return self._details
