"""How a sequence comes to its stream, and how the stream ends that another server has."""

from __future__ import annotations

import logging

from service.core.errors import ServerFailed, ServiceError, StreamNotFound
from service.core.lateness import LatePolicy
from service.core.sequences import TOKEN
from service.core.streams import Mode, OpenRequest, Owner, StreamKey
from service.engine import Engine
from service.sequences.request import SequenceRequest
from service.streams.opening import Opened
from service.streams.outside import Named

log = logging.getLogger(__name__)


async def open_stream(engine: Engine, request: SequenceRequest, owner: Owner) -> Opened:
    """Raises a ServiceError."""
    try:
        return await engine.open(_opening(request), owner)
    except StreamNotFound as error:
        if request.begins:
            raise
        raise _not_there(error) from error
    except ServiceError:
        raise
    except Exception as error:  # whatever it is, those in the line wait for an answer
        log.exception("sequence %s could not be opened", request.key)
        raise ServerFailed(f"the sequence could not be opened: {error!r}") from error


async def end_stream(engine: Engine, key: StreamKey) -> None:
    """Ends the sequence of that key, whichever server has it. Where the state store is away it
    stays.
    """
    named = Named(key, TOKEN, covers=lambda model: True, sequence=True)
    try:
        await engine.states.delete(named)
    except StreamNotFound:
        return
    except ServiceError as error:
        log.info("sequence %s may go on as it was: %s", key, error)
    except Exception:  # whatever it is, those in the line wait for an answer
        log.exception("sequence %s may go on as it was", key)


def _opening(request: SequenceRequest) -> OpenRequest:
    return OpenRequest(
        request.key.id,
        TOKEN,
        Mode.RESTART if request.begins else Mode.RESUME,
        request.model,
        request.version,
        LatePolicy.REJECT,
        namespace=request.key.namespace,
        sequence=True,
        complete=request.step is None,
    )


def _not_there(error: StreamNotFound) -> StreamNotFound:
    return StreamNotFound(
        f"{error}: the first request of a sequence has the parameter sequence_start, and so has "
        "the first after it was idle for long, or its server was lost"
    )
