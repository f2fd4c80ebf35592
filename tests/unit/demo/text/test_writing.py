"""Letting a model write: what is sent, what is drawn, what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest

from demo.text.writing import Sampler, alphabet, readable, replaced, write
from models.tasks.text.characters import REPLACEMENT
from stepwire import InvalidInput
from stepwire.sync import Stream
from stepwire.tensors import Signature
from stepwire.v1 import stream_pb2 as pb

CHARACTERS = ("a", "b", "c", REPLACEMENT)


class Alphabetical:
    """Expects the next character of the alphabet, and remembers what it was sent."""

    def __init__(
        self, symbols: Sequence[str] = CHARACTERS, features: Sequence[str] = CHARACTERS
    ) -> None:
        character = pb.TensorSpec(name="character", dtype="int64", shape=[1], symbols=symbols)
        answer = pb.TensorSpec(
            name="log_probability", dtype="float32", shape=[len(features)], features=features
        )
        self.signature = Signature(pb.Signature(inputs=[character], outputs=[answer]))
        self.sent = ""

    def step(self, character: str) -> npt.NDArray[Any]:
        self.sent += character
        following = (CHARACTERS.index(character) + 1) % len(CHARACTERS)
        return np.where(np.arange(len(CHARACTERS)) == following, -0.1, -5.0)


def sampler(temperature: float = 0.0, seed: int = 0) -> Sampler:
    return Sampler(np.random.default_rng(seed), temperature)


def written(stream: Alphabetical, prompt: str, count: int, drawn_by: Sampler) -> str:
    return "".join(each.character for each in write(cast(Stream, stream), prompt, count, drawn_by))


def test_it_reads_the_prompt_and_then_what_it_wrote() -> None:
    stream = Alphabetical()
    assert written(stream, "ca", 2, sampler()) == "bc"
    assert stream.sent == "cab"


def test_it_never_writes_the_replacement() -> None:
    assert REPLACEMENT not in written(Alphabetical(), "c", 500, sampler(temperature=1.0))


def test_the_same_seed_gives_the_same_text() -> None:
    texts = [written(Alphabetical(), "a", 200, sampler(2.0, seed)) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_characters_are_drawn_in_proportion_to_their_heated_probabilities(
    temperature: float,
) -> None:
    log_probabilities = np.log([0.6, 0.3, 0.1])
    drawn_by = sampler(temperature)
    drawn = [drawn_by.draw(log_probabilities) for _ in range(20_000)]
    heated = np.exp(log_probabilities / temperature)
    np.testing.assert_allclose(
        np.bincount(drawn, minlength=3) / len(drawn), heated / heated.sum(), atol=0.015
    )


def test_what_the_model_does_not_know_is_replaced_and_listed() -> None:
    read = readable("aäbz", CHARACTERS)
    assert read == f"a{REPLACEMENT}b{REPLACEMENT}"
    assert replaced("aäbz", read) == "'z', 'ä'"


def test_without_a_replacement_an_unknown_character_is_refused() -> None:
    with pytest.raises(InvalidInput, match="does not know 'z': change the --prompt"):
        readable("az", CHARACTERS[:3])


@pytest.mark.parametrize(
    ("symbols", "features"),
    [((), CHARACTERS), (CHARACTERS, ("score",) * 4), (("good", "bad"), ("good", "bad"))],
    ids=["values", "another answer", "words"],
)
def test_a_model_of_another_kind_is_refused(
    symbols: Sequence[str], features: Sequence[str]
) -> None:
    with pytest.raises(InvalidInput, match="name a --model that takes a character"):
        alphabet(cast(Stream, Alphabetical(symbols, features)))
