from __future__ import annotations

from pathlib import Path

import pytest

from service.core.graph import GraphFacts
from service.repository.description import describe
from service.repository.foreign.declaration import Declaration, read
from service.repository.foreign.inference import infer
from service.repository.foreign.starter import starter
from service.runtime.graph import Graph
from tests import foreign

NOTHING = Declaration()


def written(folder: Path, text: str) -> Path:
    path = folder / "model.toml"
    path.write_text(text)
    return path


def started(facts: GraphFacts, declared: Declaration = NOTHING) -> str:
    return starter(infer(facts, declared), declared)


@pytest.mark.parametrize("name", foreign.GRAPHS)
def test_what_it_says_is_what_was_inferred(name: str, tmp_path: Path) -> None:
    made = foreign.GRAPHS[name]()
    declared = Declaration.model_validate(made.declared)
    text = started(made.facts, declared)
    path = written(tmp_path, text)
    assert started(made.facts, read(path)) == text
    original = describe(made.facts, written(tmp_path, made.toml))
    again = describe(made.facts, written(tmp_path, text))
    assert again.signature.inputs == original.signature.inputs
    assert again.signature.outputs == original.signature.outputs
    for one, other in zip(again.signature.states, original.signature.states, strict=True):
        assert (one.input, one.output) == (other.input, other.output)
        assert one.initial.tolist() == other.initial.tolist()
    assert again.signature.fixed_batch == original.signature.fixed_batch
    assert again.inferred == original.inferred


@pytest.mark.parametrize(
    ("facts", "settled"),
    [
        (foreign.memoryless().facts, ["memoryless = true"]),
        (
            foreign.unnamed().facts,
            ["inputs.x.batch_axis = 0", "inputs.x.shape = [?, ?]"],
        ),
        (foreign.scaled().facts, ["constants.temperature = ?", "constants.gain = ?"]),
        (Graph(foreign.unequal().SerializeToString()).facts, ["inputs.h = {}"]),
    ],
)
def test_settling_what_is_in_doubt_is_uncommenting(
    facts: GraphFacts, settled: list[str], tmp_path: Path
) -> None:
    text = started(facts)
    for line in settled:
        assert f"# {line}\n" in text
        text = text.replace(f"# {line}\n", f"{line}\n")
    text = text.replace("= ?", "= 1").replace("[?, ?]", "[1, 3]")
    rest = infer(facts, read(written(tmp_path, text))).problems
    assert all("memoryless" in str(problem) for problem in rest)
    assert len(rest) == ("inputs.h = {}" in settled)


def test_what_was_declared_of_a_state_in_doubt_is_kept() -> None:
    facts = foreign.counter().facts
    output = facts.outputs[-1]
    twice = facts._replace(outputs=(*facts.outputs, output._replace(name="count_next")))
    declared = Declaration.model_validate({"states": {"count": {"initial": 7}}})
    text = started(twice, declared)
    assert "\nstates.count.initial = 7\n" in text
    assert '\n# states.count.output = "count_next"\n' in text


def test_what_was_declared_is_kept() -> None:
    made = foreign.scaled()
    said = {
        "inputs": {"x": {"features": ["left", 'right "2"']}},
        "golden": {"file": "golden.npz"},
        "states": {"h": {"initial": [float("inf"), 1e-9]}},
        "takes_non_finite": True,
    }
    text = started(made.facts, Declaration.model_validate(made.declared | said))
    for line in (
        'inputs.x.features = ["left", "right \\"2\\""]',
        'golden.file = "golden.npz"',
        "states.h.initial = [inf, 1e-09]",
        "takes_non_finite = true",
        "constants.gain = [2.0, 3.0]",
    ):
        assert f"{line}\n" in text
