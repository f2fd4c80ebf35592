from __future__ import annotations

from pathlib import Path

import pytest

from service.api.inference.metadata import model_metadata, server_metadata
from service.lanes.lane import Lane
from tests import graphs
from tests.unit.service.api.inference.loaded import loaded


@pytest.fixture
def mixer(tmp_path: Path) -> Lane:
    return loaded(tmp_path, graphs.package(*graphs.mixer()))


def test_inputs_and_outputs_have_a_batch_axis_in_front(mixer: Lane) -> None:
    metadata = model_metadata(mixer, [1, 3])
    assert [(each.name, each.datatype, list(each.shape)) for each in metadata.inputs] == [
        ("signal", "FP32", [-1, 2]),
        ("gate", "BOOL", [-1, 1]),
    ]
    assert [(each.name, each.datatype, list(each.shape)) for each in metadata.outputs] == [
        ("sum", "FP32", [-1, 2]),
        ("count", "INT64", [-1, 1]),
    ]
    assert list(metadata.versions) == ["1", "3"]


def test_states_are_hidden(mixer: Lane) -> None:
    text = str(model_metadata(mixer, [1]))
    states = [each.input.name for each in mixer.signature.states]
    assert states == ["held", "steps"]
    assert not any(name in text for state in states for name in (f'"{state}"', f"{state}_next"))


def test_the_server_lists_what_clients_ask_for() -> None:
    metadata = server_metadata()
    assert metadata.name == "stepwire" and metadata.version
    assert {"sequence", "statistics"} <= set(metadata.extensions)
