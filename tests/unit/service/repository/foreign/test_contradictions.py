"""Declarations that contradict the graph, each told by its key."""

from __future__ import annotations

import pytest

from service.repository.foreign.declaration import DeclarationError
from service.repository.foreign.inference import infer
from tests import foreign
from tests.unit.service.repository.foreign.made import GRU, declared, inferred


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"inputs": {"z": {}}}, "inputs.z: the graph has no such input, its inputs are h, x"),
        ({"outputs": {"z": {}}}, "outputs.z: the graph has no such output, its outputs are h_n"),
        ({"unserved": ["z"]}, "unserved: 'z' is no output of the graph"),
        ({"unserved": ["y"], "outputs": {"y": {}}}, "unserved: 'y' is among the outputs below"),
        ({"states": {"h": {"output": "z"}}}, "states.h.output: the graph has no output 'z', only"),
        (
            {"states": {"h": {"output": "y"}, "x": {"output": "y"}}},
            "states.x.output: 'y' renews another state already",
        ),
        ({"states": {"h": {}}, "memoryless": True}, "memoryless: true, and there are states"),
        ({"states": {"h": {}}, "inputs": {"h": {}}}, "states.h: it is an input as well"),
        (
            {"states": {"h": {}}, "constants": {"h": 1}},
            "constants.h: it is an input or a state as well",
        ),
        (
            {"states": {"h": {"initial": [1, 2]}}},
            "states.h.initial: its shape is [2], not [1, 4]",
        ),
        (
            {"states": {"h": {"initial": [[1], [2, 3]]}}},
            "states.h.initial: its lists are not all of one length",
        ),
        ({"states": {"h": {"initial": "zero"}}}, "states.h.initial: 'zero' is not float32"),
        ({"inputs": {"x": {"shape": [5]}}}, "inputs.x.shape: [5] does not fit [3], the graph's"),
        ({"inputs": {"x": {"batch_axis": 2}}}, "inputs.x.batch_axis: 2 lies beyond float32"),
        (
            {"inputs": {"x": {"batch_axis": 1}}},
            "inputs.x.batch_axis: axis 1 of float32[batch, 3] has size 3, a batch has any or 1",
        ),
        ({"inputs": {"x": {"features": ["a"]}}}, "inputs.x: 1 feature names for shape [3]"),
    ],
)
def test_a_declaration_that_contradicts_the_graph_names_its_key(
    keys: dict[str, object], message: str
) -> None:
    with pytest.raises(DeclarationError) as refused:
        inferred(GRU, **keys)
    assert str(refused.value).startswith(f"model.toml: {message}")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"states": {"temperature": {}}}, "states.temperature: it has no axis for the batch"),
        ({"constants": {"temperature": "hot"}}, "constants.temperature: 'hot' is not float32"),
        ({"constants": {"gain": [1, 2, 3]}}, "constants.gain: its shape is [3], not [2]"),
    ],
)
def test_a_constant_that_does_not_fit_names_its_key(keys: dict[str, object], message: str) -> None:
    with pytest.raises(DeclarationError) as refused:
        infer(foreign.scaled().facts, declared(**keys))
    assert str(refused.value).startswith(f"model.toml: {message}")


def test_whole_numbers_stay_whole_and_in_range() -> None:
    for initial, message in ((0.5, "0.5 is not int64"), (2**64, "is not int64")):
        with pytest.raises(DeclarationError, match=message):
            inferred(foreign.counter().facts, states={"count": {"initial": initial}})
