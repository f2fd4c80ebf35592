from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from service.core.model import GoldenRun
from service.inspection import inspect
from service.repository.foreign.declaration import read
from service.repository.manifest import Manifest, State, Tensor, encode_array
from tests import foreign, graphs, handmade


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(inspect, [str(argument) for argument in arguments])


def put(folder: Path, made: handmade.Foreign, toml: str = "") -> Path:
    return foreign.put(folder / "repository", "mine", made.content, toml)


def toml_in(output: str) -> str:
    """The printed `model.toml`."""
    return output.split("\nmodel.toml\n\n")[1].rsplit("\n\n", 1)[0] + "\n"


def test_it_prints_the_graph_what_it_is_taken_for_and_what_to_do_next(tmp_path: Path) -> None:
    file = tmp_path / "my lstm.onnx"
    file.write_bytes(foreign.lstm().content)
    result = run(file)
    assert result.exit_code == 0
    assert "  input   h       float32[1, batch, 4]\n" in result.output
    assert "  state   c  float32[1, 4]  batch axis 1  from next_c  initial 0\n" in result.output
    assert "finite and repeatable; streams share runs.\n" in result.output
    assert "copy it to model_repository/my-lstm/1/model.onnx, then: stepwire" in result.output
    assert "doubt" not in result.output


@pytest.mark.parametrize("name", foreign.GRAPHS)
def test_the_printed_toml_serves(name: str, tmp_path: Path) -> None:
    made = foreign.GRAPHS[name]()
    file = put(tmp_path, made, made.toml)
    first = run(file)
    assert first.output.endswith(f"Next: stepwire serve --repository {tmp_path / 'repository'}\n")
    file.with_name("model.toml").write_text(toml_in(first.output))
    assert run(file).output == first.output


def test_what_is_in_doubt_is_listed_and_commented(tmp_path: Path) -> None:
    result = run(put(tmp_path, foreign.scaled()))
    assert result.exit_code == 0
    assert "\nIn doubt\n  1. input 'temperature' is float32[]" in result.output
    assert "\n# constants.temperature = ?\n" in result.output
    assert "  constant  temperature  float32[]   in doubt\n" in result.output
    assert result.output.endswith(
        "It cannot be served yet: settle what is in doubt in a model.toml beside model.onnx.\n"
    )


def test_the_toml_is_written_to_a_file_that_is_not_there(tmp_path: Path) -> None:
    file, toml = put(tmp_path, foreign.lstm()), tmp_path / "out.toml"
    assert f"Wrote {toml}.\n" in run(file, "--toml", toml).output
    assert read(toml).states["c"].output == "next_c"
    toml.write_text("mine")
    result = run(file, "--toml", toml)
    assert (result.exit_code, toml.read_text()) == (2, "mine")
    assert result.stderr == f"error: {toml} is there already: name another file, or remove it\n"
    assert {path.name for path in tmp_path.iterdir()} == {"out.toml", "repository"}


def test_a_package_tells_what_it_says_of_itself(tmp_path: Path) -> None:
    model, manifest = graphs.mixer()
    gate = manifest.inputs[1].model_copy(update={"features": ("open",)})
    held = manifest.states[0]
    held = held.model_copy(update={"initial": encode_array(held.spec().initial)})
    described = manifest.model_copy(
        update={
            "inputs": (manifest.inputs[0], gate),
            "states": (held, manifest.states[1]),
            "training": {"task": "mixing", "scores": {"network": {"RMSE": 0.123456}}},
        }
    )
    file = graphs.put(tmp_path, "mixer", graphs.package(model, described))
    result = run(file)
    assert result.exit_code == 0
    for line in (
        "  state   held    float32[2]  batch axis 0  from held_next   initial given",
        "  state   steps   int64[1]    batch axis 0  from steps_next  initial 0",
        "Features of gate",
        "  0  open",
        "Golden run: 32 steps, within 1e-05",
        "  scores, network, RMSE  0.1235",
        "It gives the outputs of its golden run of 32 steps; streams share runs.",
    ):
        assert f"{line}\n" in result.output


def test_a_package_tells_its_symbols(tmp_path: Path) -> None:
    letters = Tensor(name="symbol", dtype="int64", shape=(), symbols=("a", "b", "\n", "c"))
    manifest = Manifest(
        inputs=(letters,),
        outputs=(Tensor(name="y", shape=(2,)),),
        states=(State(input=Tensor(name="h", shape=(2,)), output="h_next"),),
    )
    made = foreign.lookup()
    inputs = made.stream()
    outputs = np.stack([step["y"] for step in made.expected(inputs)]).astype(np.float32)
    golden = GoldenRun(tuple(inputs.values()), (outputs,), (1e-5,))
    file = graphs.put(tmp_path, "lookup", graphs.package(made.model, manifest, golden))
    assert "Symbols of symbol, 4 from 0 on\n  'a' 'b' '\\n' 'c'\n" in run(file).output


def test_a_golden_run_beside_the_file_is_replayed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = foreign.memoryless()
    inputs = made.stream()
    outputs = np.stack([step["y"] for step in made.expected(inputs)])
    np.savez(tmp_path / "golden.npz", x=inputs["x"], y=outputs)
    (tmp_path / "model.onnx").write_bytes(made.content)
    (tmp_path / "model.toml").write_text('memoryless = true\ngolden.file = "golden.npz"')
    monkeypatch.chdir(tmp_path)
    result = run("model.onnx")
    assert "It gives the outputs of its golden run of 32 steps; streams share" in result.output
    assert "1/model.onnx and model.toml beside it, then: stepwire serve" in result.output


def test_what_cannot_be_inspected_is_told_in_one_line_with_exit_code_2(tmp_path: Path) -> None:
    junk = tmp_path / "junk.onnx"
    junk.write_bytes(b"not a model")
    own = graphs.put(tmp_path, "own", graphs.accumulator_package())
    both = graphs.put(tmp_path, "both", graphs.accumulator_package())
    both.with_name("model.toml").write_text("")
    noise = tmp_path / "lookup.onnx"
    noise.write_bytes(foreign.lookup(first=9).content)
    for arguments, message in (
        ((junk,), f"{junk}: ONNX Runtime does not load it: "),
        ((tmp_path / "no.onnx",), f"{tmp_path / 'no.onnx'}: No such file or directory"),
        ((tmp_path,), f"{tmp_path}: Is a directory"),
        ((put(tmp_path, foreign.lstm(), "x = 1"),), "model.toml: x: there is no such key"),
        ((own, "--toml", tmp_path / "out.toml"), "it describes itself by its metadata and takes"),
        ((both,), "model.onnx describes itself by its metadata: remove the model.toml beside it"),
        ((noise,), "it does not run with random inputs"),
        ((noise, "--toml", tmp_path / "no" / "out.toml"), "No such file or directory"),
    ):
        result = run(*arguments)
        assert result.exit_code == 2
        (line,) = result.stderr.splitlines()
        assert line.startswith("error: ") and message in line
    assert not (tmp_path / "out.toml").exists()


@pytest.mark.parametrize("device", ["gpu", "cuda:9999"])
def test_a_device_that_is_none_or_not_there_is_told(device: str) -> None:
    done = run("nothing.onnx", "--device", device)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: --device {device}: ") and done.stderr.count("\n") == 1
