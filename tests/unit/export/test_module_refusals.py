"""A module that cannot be streamed is refused in one line that says why."""

from __future__ import annotations

import pytest

from tests.unit.export.user import User

CLASSES = """\
class Bidirectional(Base):
    def __init__(self):
        super().__init__(bidirectional=True)

class Twice(Base):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(3, 3, batch_first=True)
    def forward(self, x):
        return self.gru(self.gru(x)[0])[0]

class Never(Base):
    def forward(self, x):
        return self.head(torch.zeros(*x.shape[:2], 6))

class Memoryless(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(3, 2)
    def forward(self, x):
        return self.head(x)

class Cells(Memoryless):
    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(3, 4)

class Convolution(Base):
    def __init__(self, padding=1):
        super().__init__()
        self.conv = nn.Conv1d(3, 3, 3, padding=padding)
    def forward(self, x):
        return super().forward(self.conv(x.transpose(1, 2)).transpose(1, 2))

class Shorter(Convolution):
    def __init__(self):
        super().__init__(padding=0)

class Attention(Base):
    def forward(self, x):
        y = self.gru(x)[0]
        return self.head(torch.softmax(y @ y.transpose(1, 2), -1) @ y)

class Mean(Base):
    def forward(self, x):
        return self.head(self.gru(x)[0].mean(1))

class Drawn(Base):
    def forward(self, x):
        return self.gru(x, torch.randn(1, x.shape[0], 6))[0]

class OfTheInput(Base):
    def forward(self, x):
        return self.gru(x, x[:, :1].repeat(1, 1, 2).transpose(0, 1).contiguous())[0]

class Packed(Base):
    def forward(self, x):
        lengths = torch.full((x.shape[0],), x.shape[1])
        return self.gru(nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True))[1][0]

class Infinite(Base):
    def forward(self, x):
        return torch.log(-self.gru(x)[0].abs())

class Decides(Base):
    def forward(self, x):
        y = self.gru(x)[0]
        return y if y.sum() < 1e9 else -y

class Raises(Base):
    def forward(self, x):
        raise RuntimeError("no luck\\nat all")

class OnlyStates(Base):
    def forward(self, x):
        return self.gru(x)[1]

class Text(Base):
    def forward(self, x):
        return self.gru(x)[0], "text"

class NoNames(Base):
    def forward(self, *x):
        return self.gru(x[0])[0]

class Summed(Base):
    def forward(self, x):
        return self.gru(x)[0].sum(0)

class Listed(Base):
    def forward(self, x):
        return self.gru(x)[0].unbind(1)

class Disagree(Base):
    def __init__(self):
        super().__init__()
        self.other = nn.RNN(6, 6)
    def forward(self, x):
        return self.other(self.gru(x)[0])[0]

class Squeezed(Base):
    def forward(self, x):
        return self.gru(x)[0].sum(-1, keepdim=True).squeeze()

class Half(Base):
    def __init__(self):
        super().__init__()
        self.bfloat16()
    def forward(self, x):
        return super().forward(x.bfloat16())

class NameOfAnInput(Base):
    def forward(self, x):
        return {"x": self.gru(x)[0]}

class NameOfAState(Base):
    def forward(self, x):
        return {"gru.h_next": self.gru(x)[0]}
"""


@pytest.mark.parametrize(
    ("attribute", "reason"),
    [
        ("Bidirectional", "GRU 'gru' is bidirectional: its backward half starts at the last"),
        ("Twice", "GRU 'gru' is called 2 times in one forward"),
        ("Never", "GRU 'gru' is called 0 times in one forward"),
        ("Memoryless", "the module has no nn.GRU, nn.LSTM or nn.RNN"),
        ("Cells", "GRUCell 'cell' is stepped by a loop of the module's own"),
        ("Convolution", "Something besides its states looks across time"),
        ("Shorter", "gets 3 timesteps of 3 sequences where the module got 5 of 3"),
        ("Attention", "looks across time, such as a convolution, attention"),
        ("Mean", "'output' is off by"),
        ("Drawn", "GRU 'gru' starts from a state that is not the same each time"),
        ("OfTheInput", "GRU 'gru' starts from a state that is not the same each time"),
        ("Packed", "GRU 'gru' gets a packed sequence"),
        ("Infinite", "output 'output' is not finite: of the sample's sequence 0 at timestep 0"),
        ("Decides", "decides by the value of a tensor"),
        ("Raises", "forward raises RuntimeError: no luck at all ("),
        ("OnlyStates", "forward returns nothing but the states of its layers"),
        ("Text", "it returns an object of type str"),
        ("NoNames", "forward must take its inputs as named parameters"),
        ("Summed", "output 'output' has shape [5, 6] for 3 sequences of 5 timesteps"),
        ("Listed", "forward returns 5 tensors for 5 timesteps and 7 for 7"),
        ("Disagree", "the layers take different axes for time: see their batch_first"),
        ("Squeezed", "a single timestep raises IndexError: "),
        ("Half", "bfloat16 is not served: convert the module"),
        ("NameOfAnInput", "'x' is the name of an input and of an output"),
        ("NameOfAState", "tensor 'gru.h_next' is named 2 times"),
    ],
)
def test_over_a_sequence(user: User, attribute: str, reason: str) -> None:
    user.write(CLASSES)
    assert reason in user.refused(attribute, "--input", "x=float32[3]")


def test_the_place_of_an_error_is_told(user: User) -> None:
    user.write(CLASSES)
    line = user.refused("Raises", "--input", "x=float32[3]")
    number = 1 + user.path.read_text().splitlines().index(
        '        raise RuntimeError("no luck\\nat all")'
    )
    assert line.endswith(f"({user.path}, line {number})")


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
        ("OtherShape", "forward gives 'output' with shape [2, 48, 4], step would make it [2, 48]"),
        ("Infinite", "output 'output' is not finite"),
        ("StatesRaise", "reading states raises RuntimeError: not yet"),
    ],
)
def test_by_the_step(user: User, attribute: str, reason: str) -> None:
    user.write(STEPS)
    arguments = () if attribute == "NoInput" else ("--input", "x=float32[3]")
    assert reason in user.refused(attribute, *arguments)
