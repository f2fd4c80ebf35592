"""What is made of a module: names, shapes and initial states, and one timestep like the whole."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from export.module_source import source_of
from export.source import Source
from export.timestep import Timestep, stepped
from tests import own_modules
from tests.unit.export.user import User

MODULES = (
    "SequenceGRU",
    "DeepLSTM",
    "LearnedStart",
    "LastStep",
    "TwoLayers",
    "Words",
    "TwoInputs",
    "OwnCell",
    "StepAndSequence",
)


def source(name: str, *inputs: str) -> Source:
    torch.manual_seed(6)
    return source_of(f"tests.own_modules:{name}", inputs=inputs)


@pytest.mark.parametrize("name", MODULES)
def test_one_timestep_after_another_is_the_whole(name: str) -> None:
    made = source(name)
    inputs = made.sample(3, 40)
    timestep = Timestep(made.step, made.manifest.outputs, made.manifest.states, made.whole)
    for some, others in zip(stepped(timestep, inputs), made.whole(inputs), strict=True):
        assert some.shape[:2] == (3, 40) and np.ptp(some) > 0.01
        np.testing.assert_allclose(some, others, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "inputs", "outputs", "states"),
    [
        (
            "SequenceGRU",
            ["x: float32[3]"],
            ["output: float32[2]"],
            ["gru.h: float32[1, 12]"],
        ),
        (
            "DeepLSTM",
            ["x: float32[3]"],
            ["output: float32[2]"],
            ["lstm.h: float32[2, 10]", "lstm.c: float32[2, 10]"],
        ),
        ("LastStep", ["x: float32[3]"], ["output: float32[2]"], ["rnn.h: float32[1, 9]"]),
        (
            "TwoLayers",
            ["x: float32[3]"],
            ["output: float32[4]"],
            [
                "encoder.gru.h: float32[1, 7]",
                "decoder.h: float32[2, 4]",
                "decoder.c: float32[2, 8]",
            ],
        ),
        ("Words", ["word: int64[]"], ["output: float32[11]"], ["gru.h: float32[1, 5]"]),
        (
            "TwoInputs",
            ["reading: float32[3]", "kind: int64[]"],
            ["mean: float32[2]", "scale: float32[]"],
            ["gru.h: float32[1, 6]"],
        ),
        (
            "OwnCell",
            ["x: float32[2]"],
            ["output: float32[1]"],
            ["h: float32[5]", "count: float32[1]"],
        ),
    ],
)
def test_tensors_are_named_and_shaped_after_the_module(
    name: str, inputs: list[str], outputs: list[str], states: list[str]
) -> None:
    manifest = source(name).manifest
    assert [str(tensor.spec()) for tensor in manifest.inputs] == inputs
    assert [str(tensor.spec()) for tensor in manifest.outputs] == outputs
    assert [str(state.input.spec()) for state in manifest.states] == states
    assert [state.output for state in manifest.states] == [
        f"{state.input.name}_next" for state in manifest.states
    ]


@pytest.mark.parametrize(("name", "parameter"), [("LearnedStart", "h0"), ("OwnCell", "start")])
def test_a_learned_initial_state_is_the_manifests(name: str, parameter: str) -> None:
    initial = source(name).manifest.states[0].spec().initial
    torch.manual_seed(6)
    learned = getattr(getattr(own_modules, name)(), parameter)
    np.testing.assert_array_equal(initial.ravel(), learned.detach().numpy().ravel())


def test_states_are_zeros_if_nothing_else_is_said() -> None:
    assert [state.initial for state in source("DeepLSTM").manifest.states] == [None, None]


@pytest.mark.parametrize(
    ("name", "fused"),
    [
        ("SequenceGRU", {"GRU": 1}),
        ("DeepLSTM", {"LSTM": 2}),
        ("LastStep", {"RNN": 1}),
        ("TwoLayers", {"GRU": 1}),
        ("OwnCell", {}),
    ],
)
def test_an_operator_is_expected_for_each_layer(name: str, fused: dict[str, int]) -> None:
    assert source(name).fused == fused


def test_the_manifest_says_where_it_is_from() -> None:
    made = source("StepAndSequence")
    assert made.manifest.training == {
        "module": "tests.own_modules:StepAndSequence",
        "weights": "the module's own",
        "parameters": 3 * 4 * 3 + 3 * 4 * 4 + 2 * 3 * 4,
    }


VARIANTS = """\
class VariableStates(nn.Module):
    states = {"h": (2,), "c": 1}
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)
    def step(self, x, *states):
        h, c = states
        h, c = self.layer(x) + h / 2, c * 0.5 + 1
        return {"sum": h.sum(-1), "count": c}, (h, c)

class StateFirst(nn.Module):
    states = {"h": torch.arange(2.0)}
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)
    def forward(self, h, x, scale=2.0):
        h = torch.tanh(self.layer(x) + scale * h)
        return h.sum(-1, keepdim=True), h

class StateBehindAnOption(StateFirst):
    def forward(self, x, scale=2.0, h=None):
        return super().forward(h, x, scale)

class StatesByName(nn.Module):
    states = {"slow": (3,), "fast": (3,)}
    def step(self, x, slow, fast):
        slow, fast = slow + x, 0.5 * fast + x
        return slow - fast, {"fast": fast, "slow": slow}

class FeaturesFirst(Base):
    def forward(self, x):
        y = self.gru(x)[0]
        return y.permute(2, 1, 0), y.transpose(1, 2)
"""


def from_variant(user: User, name: str, *inputs: str) -> Source:
    user.write(VARIANTS)
    return source_of(f"{user.module}:{name}", inputs=inputs)


def test_states_may_be_given_to_a_step_of_any_number(user: User) -> None:
    made = from_variant(user, "VariableStates")
    assert [state.input.name for state in made.manifest.states] == ["h", "c"]
    [total, count] = made.whole(made.sample(2, 3))
    assert total.shape == (2, 3)
    np.testing.assert_array_equal(count[0, :, 0], [1, 1.5, 1.75])


def test_new_states_may_be_given_by_name(user: User) -> None:
    made = from_variant(user, "StatesByName", "x=float32[3]")
    x = np.ones((1, 3, 3), np.float32)
    [output] = made.whole([x])
    np.testing.assert_array_equal(output[0, :, 0], [0, 0.5, 1.25])


@pytest.mark.parametrize("name", ["StateFirst", "StateBehindAnOption"])
def test_forward_is_the_step_where_there_is_no_other(user: User, name: str) -> None:
    made = from_variant(user, name)
    assert [tensor.name for tensor in made.manifest.inputs] == ["x"]
    assert made.manifest.states[0].spec().initial.tolist() == [0, 1]


def test_axes_may_lie_in_any_order(user: User) -> None:
    made = from_variant(user, "FeaturesFirst")
    assert [(t.name, t.shape, t.batch_axis) for t in made.manifest.outputs] == [
        ("output_0", (6,), 1),
        ("output_1", (6,), 0),
    ]
    some, others = made.whole(made.sample(2, 3))
    np.testing.assert_array_equal(some, others)
