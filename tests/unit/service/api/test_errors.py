from __future__ import annotations

from typing import Any, NoReturn

import grpc
import pytest

from service.api.errors import abort, abort_by_name
from service.core.errors import ModelNotFound


class Ended(Exception):
    pass


class Context:
    async def abort(
        self, code: grpc.StatusCode, details: str, trailers: tuple[tuple[str, str | bytes], ...]
    ) -> NoReturn:
        raise Ended(code, details, dict(trailers))


@pytest.mark.parametrize("message", ["why", "é" * 100_000, "a" + "é" * 100_000])
async def test_an_error_ends_its_call_alike_whichever_process_met_it(message: str) -> None:
    context: Any = Context()
    ends = []
    for end in (
        abort(context, ModelNotFound(message)),
        abort_by_name(context, "MODEL_NOT_FOUND", message),
    ):
        with pytest.raises(Ended) as ended:
            await end
        ends.append(ended.value.args)
    assert ends[0] == ends[1]
    code, details, trailers = ends[0]
    assert code is grpc.StatusCode.NOT_FOUND
    assert trailers == {
        "stepwire-error": "MODEL_NOT_FOUND",
        "stepwire-message-bin": details.encode(),
    }
    assert message.startswith(details) and len(details.encode()) in (len(message), 999, 1000)


async def test_an_error_of_an_unknown_name_is_internal() -> None:
    context: Any = Context()
    with pytest.raises(Ended) as ended:
        await abort_by_name(context, "FROM_ELSEWHERE", "why")
    assert ended.value.args[0] is grpc.StatusCode.INTERNAL
