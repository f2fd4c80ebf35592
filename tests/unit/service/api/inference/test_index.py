from __future__ import annotations

import pytest

from service.api.inference.index import check_order, check_repository, index
from service.core.errors import InvalidRequest
from service.operations.orders import ModelState, Standing
from stepwire.inference import inference_pb2 as pb

STATES = (
    ModelState("gru", 1, Standing.DRAINING),
    ModelState("gru", 2, Standing.SERVING),
    ModelState("gru", 3, Standing.REFUSED, "it drifts"),
    ModelState("lstm", 1, Standing.NOT_LOADED),
)
Load, Unload = pb.RepositoryModelLoadRequest, pb.RepositoryModelUnloadRequest


def test_every_version_has_a_state_and_what_is_not_ready_a_reason() -> None:
    listed = index(STATES, only_ready=False).models
    assert [(each.name, each.version, each.state, each.reason) for each in listed] == [
        ("gru", "1", "UNLOADING", "draining"),
        ("gru", "2", "READY", ""),
        ("gru", "3", "UNAVAILABLE", "it drifts"),
        ("lstm", "1", "UNAVAILABLE", "not loaded"),
    ]


def test_only_what_is_ready_can_be_asked_for() -> None:
    assert [each.version for each in index(STATES, only_ready=True).models] == ["2"]


def test_a_version_in_service_tells_why_a_later_file_is_refused() -> None:
    (told,) = index((ModelState("gru", 2, Standing.SERVING, "it drifts"),), False).models
    assert (told.state, told.reason) == ("READY", "it drifts")


def test_there_is_one_repository() -> None:
    check_repository(pb.RepositoryIndexRequest())
    with pytest.raises(InvalidRequest, match="one repository"):
        check_repository(pb.RepositoryIndexRequest(repository_name="other"))
    with pytest.raises(InvalidRequest, match="one repository"):
        check_order(Load(repository_name="other", model_name="gru"))


def test_an_unload_may_speak_of_dependents() -> None:
    off = pb.ModelRepositoryParameter(bool_param=False)
    check_order(Unload(model_name="gru", parameters={"unload_dependents": off}))


@pytest.mark.parametrize("name", ["config", "file:1/model.onnx"])
def test_a_load_brings_no_model_along(name: str) -> None:
    given = {name: pb.ModelRepositoryParameter(string_param="{}")}
    with pytest.raises(InvalidRequest, match=f"parameter '{name}' is not known here"):
        check_order(Load(model_name="gru", parameters=given))


def test_an_order_names_a_model() -> None:
    with pytest.raises(InvalidRequest, match="set `model_name`"):
        check_order(Load())
