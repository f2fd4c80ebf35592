"""The text task: its excerpts, its loss, its score, a little training."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from models.experiment import architecture_for
from models.networks import SequenceNetwork
from models.tasks.task import Recipe
from models.tasks.text.characters import REPLACEMENT
from models.tasks.text.corpus import corpus
from models.tasks.text.task import BITS, BOX, EXCERPT_STEPS, Text, drawable, surprise
from models.training import train

WORDS = ("stream", "state", "step", "slot", "cell")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Words in an order that cannot be foreseen."""
    order = np.random.default_rng(0).integers(len(WORDS), size=6000)
    path = tmp_path_factory.mktemp("text") / "words.txt"
    path.write_text(" ".join(WORDS[word] for word in order))
    return path


@pytest.fixture(scope="module")
def task(path: Path) -> Text:
    return Text(str(path))


def network(task: Text, hidden: int = 8) -> SequenceNetwork:
    torch.manual_seed(0)
    return SequenceNetwork(architecture_for(task, hidden=hidden, input_layer=4)).eval()


def test_it_reads_a_character_and_gives_the_log_probability_of_each(task: Text) -> None:
    assert task.inputs.symbols == (*sorted(set("".join(WORDS)) | {" "}), REPLACEMENT)
    assert task.outputs.features == task.inputs.symbols
    assert task.outputs.kind == "log_probabilities"


def test_the_target_is_the_next_character(task: Text) -> None:
    inputs, targets = task.gather(0, 1, network(task), np.random.default_rng(0))
    assert inputs.dtype == np.int64 and inputs.shape[1:] == (EXCERPT_STEPS, 1)
    np.testing.assert_array_equal(inputs[:, 1:, 0], targets[:, :-1])


def test_excerpts_differ_by_round_and_are_of_the_training_text(task: Text, path: Path) -> None:
    rng = np.random.default_rng(0)
    first, second = (task.gather(index, 2, network(task), rng).inputs for index in range(2))
    assert (first != second).any()
    texts = {"".join(task.inputs.symbols[code] for code in row[:, 0]) for row in first}
    assert len(texts) > 400
    training, held_out = corpus(path, None)
    assert all(text in training for text in texts)
    assert not any(text in held_out for text in texts)


def test_the_loss_is_the_mean_surprise_in_nats(task: Text) -> None:
    outputs = torch.log(torch.tensor([[[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]]]))
    loss = task.loss(outputs, torch.tensor([[2, 1]]))
    assert float(loss) == pytest.approx(-(math.log(0.25) + math.log(0.8)) / 2)


@torch.no_grad()
def test_surprise_is_that_of_the_character_that_came(task: Text) -> None:
    made, rows = network(task), task.sample(2, 12)[..., 0]
    bits = surprise(made, rows)
    state = made.initial_state(2)
    for step in range(11):
        output, state = made.step(torch.from_numpy(rows[:, step, None]), state)
        came = output.numpy()[np.arange(2), rows[:, step + 1]]
        np.testing.assert_allclose(bits[:, step], -came / math.log(2), rtol=1e-4)


def test_scores_are_bits_and_bytes(task: Text) -> None:
    made = network(task)
    mine, baselines = task.score(made), task.baselines()
    assert list(baselines) == ["2-gram", "3-gram", "4-gram", "5-gram"]
    assert all(score.keys() == mine.keys() for score in baselines.values())
    assert mine["memory [kB]"] == 4 * made.parameter_count / 1000
    assert mine[BITS] == pytest.approx(math.log2(len(task.inputs.symbols)), abs=0.5)
    memory = [score["memory [kB]"] or 0.0 for score in baselines.values()]
    assert memory == sorted(memory) and memory[0] > 0


def test_a_little_training_beats_the_bigrams(task: Text) -> None:
    recipe = Recipe(rounds=3, batches=6, batch=32, window=64, learning_rate=1e-2, accumulate=False)
    trained = train(task, network(task, 32).architecture, recipe, 0)
    mine, bigram = task.score(trained)[BITS], task.baselines()["2-gram"][BITS]
    assert mine is not None and bigram is not None
    assert mine < bigram


@pytest.mark.parametrize(
    ("character", "label"),
    [
        ("a", "a"),
        ("\n", "\u21b5"),
        ("$", r"\$"),
        ("\u00e9", "\u00e9"),
        ("\u4e2d", BOX),
        ("\x85", BOX),
    ],
)
def test_a_label_is_of_what_every_font_has(character: str, label: str) -> None:
    assert drawable(character) == label


def test_the_picture_of_any_script_can_be_saved(tmp_path: Path) -> None:
    draws = np.random.default_rng(0).integers(0x4E00, 0x4E10, size=22_000)
    (tmp_path / "text").write_text("".join(map(chr, draws)), encoding="utf-8")
    task, figure = Text(str(tmp_path / "text")), Figure()
    task.draw(network(task), figure.subplots())
    figure.savefig(tmp_path / "plot.png")


def test_the_picture_has_network_and_ngram_and_every_character(task: Text) -> None:
    axes = Figure().subplots()
    task.draw(network(task), axes)
    assert [line.get_label() for line in axes.lines] == ["network", "5-gram"]
    written = "".join(label.get_text() for label in axes.get_xticklabels())
    assert len(written) == 64 and any(word in written for word in WORDS)
