from __future__ import annotations

from pathlib import Path

import pytest

from service.repository.foreign.declaration import DeclarationError, read

EVERYTHING = """
memoryless = false
fixed_batch = true
takes_non_finite = true
unserved = ["debug"]
constants.temperature = 0.5

[inputs."x.1"]
shape = [1, 3]
batch_axis = 1
features = ["a", "b", "c"]

[inputs.mode]
symbols = ["off", "on"]

[outputs.y]

[states.h]
output = "h_next"
initial = [[0.5, inf]]

[golden]
file = "golden.npz"
atol = 1e-3
"""


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "model.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_everything_can_be_declared(tmp_path: Path) -> None:
    found = read(written(tmp_path, EVERYTHING))
    assert found.inputs["x.1"].shape == (1, 3)
    assert found.inputs["mode"].symbols == ("off", "on")
    assert found.outputs["y"].shape is None
    assert found.states["h"].initial == [[0.5, float("inf")]]
    assert found.golden and found.golden.atol == 1e-3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("memory = 1", "memory: there is no such key"),
        ("inputs.x.dtype = 'float32'", "inputs.x.dtype: there is no such key"),
        ("memoryless = 'yes'", "memoryless: Input should be a valid boolean, got 'yes'"),
        ("inputs.x.shape = 3", "inputs.x.shape: Input should be a valid tuple, got 3"),
        ("inputs.x.shape = [0]", "inputs.x.shape.0: Input should be greater than 0, got 0"),
        ("inputs.x.shape = ['3']", "inputs.x.shape.0: Input should be a valid integer, got '3'"),
        ("inputs.x.batch_axis = -1", "inputs.x.batch_axis: Input should be greater than or equal"),
        ("states.h.output = 1", "states.h.output: Input should be a valid string, got 1"),
        ("states.h = 'h_next'", "states.h: Input should be"),
        ("golden.atol = 0.1", "golden: name a file, or list inputs and outputs, got {'atol'"),
        ("golden = { file = 'a', inputs = { x = [1] } }", "golden: name a file, or list"),
        ("x = ", "it cannot be read: Invalid value (at end of document)"),
        (b"\xff", "it cannot be read: 'utf-8' codec"),
        (f"x = {'[' * 20000}{']' * 20000}", "it cannot be read: its lists are nested too deeply"),
    ],
)
def test_a_bad_file_is_told_in_one_line_that_names_the_key(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    with pytest.raises(DeclarationError) as refused:
        read(written(tmp_path, content))
    line = str(refused.value)
    assert line.startswith(f"model.toml: {message}")
    assert "\n" not in line


def test_a_folder_is_no_declaration(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="model.toml: it cannot be read: Is a directory$"):
        read(tmp_path)
