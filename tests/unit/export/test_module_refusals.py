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

class Delayed(Base):
    def forward(self, x):
        y = self.gru(x)[0]
        late = nn.functional.pad(y, (0, 0, 60, 0))[:, : y.shape[1]]
        return {"power": 1e6 * self.head(y), "share": torch.sigmoid(self.head(late))}

class Exits(Base):
    def forward(self, x):
        raise SystemExit(0)

class OfTheBatch(Base):
    def forward(self, x):
        return super().forward(x - x.mean(0, keepdim=True))

class Dropped(Base):
    def forward(self, x):
        return nn.functional.dropout(super().forward(x), 0.5)

class Empty(Base):
    def forward(self, x):
        return super().forward(x)[..., :0]

class OutputAlone(nn.GRU):
    def forward(self, x, h=None):
        return super().forward(x, h)[0]

class OfAnotherClass(Base):
    def __init__(self):
        super().__init__()
        self.gru = OutputAlone(3, 6, batch_first=True)
    def forward(self, x):
        return self.head(self.gru(x))

class Double(Base):
    def __init__(self):
        super().__init__()
        self.double()
    def forward(self, x):
        return super().forward(x.double())

class OnMeta(Base):
    def __init__(self):
        super().__init__()
        self.to("meta")

class Lazy(Base):
    def __init__(self):
        super().__init__()
        self.head = nn.LazyLinear(2)

class NoEvaluation(Base):
    def train(self, mode=True):
        raise RuntimeError("always training")

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
        ("Delayed", "'share' is off by"),
        ("OfTheBatch", "its sequences depend on each other: "),
        ("Dropped", "called twice with the same inputs, the module is not the same: 'output'"),
        ("Empty", "'output' cannot be float32[0]: shape.0: Input should be greater than 0"),
        ("OfAnotherClass", "GRU 'gru' is of the class OutputAlone, whose forward does not return"),
        ("Double", "GRU 'gru' is float64, and its ONNX operator is served in float32 alone"),
        ("OnMeta", ":OnMeta raises NotImplementedError: Cannot copy out of meta tensor"),
        ("Lazy", ":Lazy raises ValueError: Attempted to use an uninitialized parameter"),
        ("NoEvaluation", ":NoEvaluation raises RuntimeError: always training ("),
        ("NameOfAnInput", "'x' is the name of an input and of an output"),
        ("NameOfAState", "tensor 'gru.h_next' is named 2 times"),
    ],
)
def test_over_a_sequence(user: User, attribute: str, reason: str) -> None:
    user.write(CLASSES)
    assert reason in user.refused(attribute, "--input", "x=float32[3]")


def test_a_module_that_ends_the_program_is_refused_while_its_input_is_sought(user: User) -> None:
    user.write(CLASSES)
    assert "it raises SystemExit: 0 (" in user.refused("Exits")


def test_the_place_of_an_error_is_told(user: User) -> None:
    user.write(CLASSES)
    line = user.refused("Raises", "--input", "x=float32[3]")
    number = 1 + user.path.read_text().splitlines().index(
        '        raise RuntimeError("no luck\\nat all")'
    )
    assert line.endswith(f"({user.path}, line {number})")
