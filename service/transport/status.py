"""How a call is to end, as its handler sets it before it does."""

from __future__ import annotations

from collections.abc import Iterable

from grpc import StatusCode

from service.transport.metadata import Metadata


class Status:
    def __init__(self) -> None:
        self._trailing: Metadata = ()
        self._code = StatusCode.OK
        self._details = ""

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
