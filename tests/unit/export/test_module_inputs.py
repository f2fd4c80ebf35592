"""The inputs of a module: found by trial, declared or drawn by chance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from export.inputs import declared
from export.module_source import source_of
from export.source import ExportRefused
from service.repository.manifest import Tensor
from tests.unit.export.user import User

CLASSES = """\
class Normalised(Base):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(3))
    def forward(self, x):
        return super().forward(x - self.mean)

class FirstLayerNorm(Base):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(3)
    def forward(self, reading):
        return super().forward(self.norm(reading))

class Symbols(Base):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(7, 3)
    def forward(self, symbol):
        return super().forward(self.embedding(symbol.clamp_max(6)))

class CountedSymbols(Symbols):
    def forward(self, symbol):
        return Base.forward(self, self.embedding(symbol))

class TwoSizes(Base):
    def __init__(self):
        super().__init__()
        self.small, self.large = nn.Embedding(5, 3), nn.Embedding(100, 3)
    def forward(self, pair):
        return super().forward(self.small(pair[..., 0]) + self.large(pair[..., 1]))

class ManySymbols(Base):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(5000, 3)
    def forward(self, symbol):
        return super().forward(self.embedding(symbol))

class Broadcast(Base):
    def __init__(self):
        super().__init__()
        self.one = nn.Linear(1, 1)
    def forward(self, x):
        return super().forward(x + torch.zeros(3))

class Joined(Base):
    def forward(self, x, u):
        return super().forward(torch.cat([x, u], -1))

class Many(Base):
    def forward(self, a, b, c, d, e, f, g):
        return super().forward(a + b + c + d + e + f + g)

class Flags(Base):
    def forward(self, on):
        return super().forward(on.float())

class Counts(Base):
    def forward(self, count):
        return super().forward(count.float())
"""


def inputs(user: User, name: str, *declarations: str) -> str:
    """As they would be declared."""
    user.write(CLASSES)
    found = source_of(f"{user.module}:{name}", inputs=declarations).manifest.inputs
    return " ".join(f"{t.name}={t.dtype}{list(t.shape)}" for t in found)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Base", "x=float32[3]"),
        ("Normalised", "x=float32[3]"),
        ("FirstLayerNorm", "reading=float32[3]"),
        ("CountedSymbols", "symbol=int64[]"),
    ],
)
def test_inputs_are_found_where_only_one_size_fits(user: User, name: str, expected: str) -> None:
    assert inputs(user, name) == expected


def test_an_embeddings_symbols_are_told_by_their_numbers(user: User) -> None:
    user.write(CLASSES)
    [counted] = source_of(f"{user.module}:CountedSymbols").manifest.inputs
    assert counted.symbols == ("0", "1", "2", "3", "4", "5", "6")


def test_the_numbers_of_a_large_embedding_are_told_too(user: User) -> None:
    user.write(CLASSES)
    [counted] = source_of(f"{user.module}:ManySymbols").manifest.inputs
    assert len(counted.symbols) == 5000


def test_an_input_of_two_embeddings_has_the_range_of_neither(user: User, tmp_path: Path) -> None:
    user.write(CLASSES)
    line = user.refused("TwoSizes", "--input", "pair=int64[2]")
    assert "to several of different sizes, so that their range is not known: " in line
    path = tmp_path / "recorded.npy"
    np.save(path, np.stack([np.arange(70) % 5, np.arange(70)], -1)[np.newaxis])
    [pair] = source_of(f"{user.module}:TwoSizes", recorded=path).manifest.inputs
    assert pair.shape == (2,) and pair.symbols == ()


def test_several_sizes_that_fit_are_named(user: User) -> None:
    user.write(CLASSES)
    assert user.refused("Broadcast") == (
        "the input could be x=float32[3] or x=float32[1]: add --input 'x=float32[SIZE]'"
    )


def test_sizes_that_no_layer_tells_are_asked_for(user: User) -> None:
    user.write(CLASSES)
    line = user.refused("Joined", "--input", "x=float32[2]")
    assert "fits its input: add --input 'u=float32[SIZE]'; with x=float32[2], u=" in line
    assert inputs(user, "Joined", "x=float32[2]", "u=float32[1]") == "x=float32[2] u=float32[1]"


def test_more_sizes_than_can_be_tried_are_asked_for(user: User) -> None:
    user.write(CLASSES)
    asked = " ".join(f"--input '{name}=float32[SIZE]'" for name in "abcdefg")
    assert user.refused("Many") == f"there are too many inputs and sizes to try: add {asked}"


def test_an_input_of_another_name_is_refused(user: User) -> None:
    user.write(CLASSES)
    line = user.refused("Base", "--input", "y=float32[3]")
    assert line == "there is no input 'y': the module takes x"


def test_an_input_is_declared_once(user: User) -> None:
    user.write(CLASSES)
    line = user.refused("Base", "--input", "x=float32[3]", "--input", "x=float32[4]")
    assert line == "--input 'x' is given twice"


def test_a_size_that_does_not_run_is_refused(user: User) -> None:
    user.write(CLASSES)
    assert "forward raises RuntimeError: " in user.refused("Base", "--input", "x=float32[4]")


@pytest.mark.parametrize(
    ("text", "shape", "dtype"),
    [
        ("x=float32[3]", (3,), "float32"),
        ("x=int64[]", (), "int64"),
        (" x=uint8[2, 4] ", (2, 4), "uint8"),
    ],
)
def test_declarations_are_read(text: str, shape: tuple[int, ...], dtype: str) -> None:
    assert declared(text) == Tensor(name="x", dtype=dtype, shape=shape)


@pytest.mark.parametrize("text", ["x", "x=3", "x=float32", "x=real[3]", "x=float32[0]", "=int8[1]"])
def test_a_wrong_declaration_shows_a_right_one(text: str) -> None:
    with pytest.raises(ExportRefused, match=r"such as x=float32\[3\] or symbol=int64\[\]") as error:
        declared(text)
    assert "\n" not in str(error.value)


def test_symbols_are_drawn_from_all_that_the_embedding_knows(user: User) -> None:
    user.write(CLASSES)
    [drawn] = source_of(f"{user.module}:CountedSymbols").sample(8, 256)
    assert drawn.dtype == np.int64
    assert np.unique(drawn).tolist() == list(range(7))


def test_readings_are_drawn_the_same_each_time(user: User) -> None:
    user.write(CLASSES)
    source = source_of(f"{user.module}:Base")
    [drawn] = source.sample(8, 256)
    np.testing.assert_array_equal(drawn, source.sample(8, 256)[0])
    assert drawn.dtype == np.float32
    assert abs(drawn.mean()) < 0.05 and abs(drawn.std() - 1) < 0.05


def test_truth_values_are_drawn(user: User) -> None:
    user.write(CLASSES)
    [drawn] = source_of(f"{user.module}:Flags", inputs=["on=bool[3]"]).sample(8, 256)
    assert drawn.dtype == bool and 0.45 < drawn.mean() < 0.55


@pytest.mark.parametrize("name", ["Counts", "Symbols"])
def test_integers_of_an_unknown_range_are_asked_for(user: User, name: str) -> None:
    user.write(CLASSES)
    declaration = {"Counts": "count=int64[3]", "Symbols": "symbol=int64[]"}[name]
    assert "give recorded inputs with --sample" in user.refused(name, "--input", declaration)
