"""The model repository as Triton's clients see it."""

from __future__ import annotations

from collections.abc import Iterable

from service.core.errors import InvalidRequest
from service.operations.orders import ModelState, Standing
from stepwire.inference import inference_pb2 as pb

_READY = "READY"
_STATES = {
    Standing.SERVING: _READY,
    Standing.DRAINING: "UNLOADING",
    Standing.REFUSED: "UNAVAILABLE",
    Standing.NOT_LOADED: "UNAVAILABLE",
}
_EFFECTLESS = {"unload_dependents"}
"""Parameters of an order that change nothing here: no model depends on another one."""

_Request = (
    pb.RepositoryIndexRequest | pb.RepositoryModelLoadRequest | pb.RepositoryModelUnloadRequest
)
_Order = pb.RepositoryModelLoadRequest | pb.RepositoryModelUnloadRequest
_Index = pb.RepositoryIndexResponse


def index(states: Iterable[ModelState], only_ready: bool) -> pb.RepositoryIndexResponse:
    entries = map(_entry, states)
    return _Index(models=(entry for entry in entries if entry.state == _READY or not only_ready))


def _entry(state: ModelState) -> pb.RepositoryIndexResponse.ModelIndex:
    reason = state.reason or ("" if state.standing is Standing.SERVING else str(state.standing))
    return _Index.ModelIndex(
        name=state.name, version=str(state.version), state=_STATES[state.standing], reason=reason
    )


def check_repository(request: _Request) -> None:
    """Raises InvalidRequest."""
    if request.repository_name:
        raise InvalidRequest("this server has one repository: leave `repository_name` empty")


def check_order(request: _Order) -> None:
    """Raises InvalidRequest, also of a load that brings a model or a configuration along."""
    check_repository(request)
    if not request.model_name:
        raise InvalidRequest("the order names no model: set `model_name`")
    if unknown := sorted(request.parameters.keys() - _EFFECTLESS):
        raise InvalidRequest(
            f"parameter {unknown[0][:140]!r} is not known here: a model is what its file in the "
            "repository's folder says"
        )
