"""A step that cannot be streamed is refused in one line that says why."""

from __future__ import annotations

import pytest

from tests.unit.export.user import User

STEPS = """\
class Own(nn.Module):
    states = {"h": (4,)}
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 4)
    def step(self, x, h):
        h = torch.tanh(self.layer(x) + h)
        return h.sum(-1), h

class NoMapping(Own):
    states = ("h",)

class NoShape(Own):
    states = {"h": "wide"}

class Unknown(Own):
    states = {"h": (4,), "c": (4,)}

class NoInput(Own):
    def step(self, h):
        return h, h

class NoNewState(Own):
    def step(self, x, h):
        return h

class Grows(Own):
    def step(self, x, h):
        return h, torch.cat([h, h], -1)

class NoBatch(Own):
    def step(self, x, h):
        return h.sum(0), h

class AnotherForward(Own):
    def forward(self, x):
        return self.layer(x).sum(-1)

class OtherInputs(Own):
    def forward(self, x, u):
        return x

class OtherShape(Own):
    def forward(self, x):
        return self.layer(x)

class Infinite(Own):
    def step(self, x, h):
        return x / 0, h

class OfTheBatch(Own):
    def step(self, x, h):
        return h + x.mean(), h

class Rounded(Own):
    def forward(self, x):
        return torch.zeros(*x.shape[:2], dtype=torch.float16)
    def step(self, x, h):
        return x[:, 0].half(), h

class StatesRaise(Own):
    @property
    def states(self):
        raise RuntimeError("not yet")
"""


@pytest.mark.parametrize(
    ("attribute", "reason"),
    [
        ("NoMapping", "states must say the shape of each state by name"),
        ("NoShape", "state 'h' is 'wide': give a shape or a tensor"),
        ("Unknown", "states names 'c', which step(x, h) does not take"),
        ("NoInput", "step takes no input beside its states"),
        ("NoNewState", "step returns 1 tensors: its outputs and then its new states (h)"),
        ("Grows", "state 'h' is float32[3, 4] for 3 streams, but step renews it as float32[3, 8]"),
        ("NoBatch", "output 'output' has shape [4] for 3 streams: the batch axis comes first"),
        ("AnotherForward", "stepped, the module is not what it is over a whole sequence"),
        ("OtherInputs", "forward and step take different inputs"),
        (
            "OtherShape",
            "forward gives 'output' with shape [2, 256, 4], step would make it [2, 256]",
        ),
        ("Infinite", "output 'output' is not finite"),
        ("OfTheBatch", "its sequences depend on each other: "),
        ("Rounded", "float16 is too coarse for the proof"),
        ("StatesRaise", "reading states raises RuntimeError: not yet"),
    ],
)
def test_by_the_step(user: User, attribute: str, reason: str) -> None:
    user.write(STEPS)
    arguments = () if attribute == "NoInput" else ("--input", "x=float32[3]")
    assert reason in user.refused(attribute, *arguments)
