from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from service.core.model import Array, GoldenRun
from service.repository.foreign.declaration import DeclarationError, DeclaredGolden
from service.repository.foreign.golden import golden_run
from tests import graphs

SIGNATURE = graphs.mixer()[1].signature()
STEPS = 32
ARRAYS = {
    "signal": np.ones((STEPS, 2)),
    "gate": np.ones((STEPS, 1), bool),
    "sum": np.ones((STEPS, 2), np.float32),
    "count": np.arange(STEPS, dtype=np.int32).reshape(STEPS, 1),
}


def save(path: Path, arrays: Mapping[str, Array]) -> None:
    np.savez(path, allow_pickle=True, **arrays)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of a version."""
    made = tmp_path / "repository" / "mixer" / "1"
    made.mkdir(parents=True)
    save(made / "golden.npz", ARRAYS)
    return made


def listed(**changes: object) -> DeclaredGolden:
    lists = {name: array.tolist() for name, array in ARRAYS.items()}
    values = lists | changes
    return DeclaredGolden.model_validate(
        {
            "inputs": {name: values[name] for name in ("signal", "gate")},
            "outputs": {name: values[name] for name in values if name not in ("signal", "gate")},
        }
    )


def run(folder: Path, file: str) -> GoldenRun:
    return golden_run(DeclaredGolden(file=file), SIGNATURE, folder)


def test_a_file_and_lists_say_the_same(folder: Path) -> None:
    from_file = run(folder, "golden.npz")
    from_lists = golden_run(listed(), SIGNATURE, folder)
    assert from_file.steps == from_lists.steps == STEPS
    for one, other in zip(
        (*from_file.inputs, *from_file.outputs),
        (*from_lists.inputs, *from_lists.outputs),
        strict=True,
    ):
        assert one.dtype == other.dtype and one.tolist() == other.tolist()
    assert [array.dtype.name for array in from_file.outputs] == ["float32", "int64"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"z": [1]}, "golden.outputs.z: it is none of the outputs"),
        ({"sum": [[1.0]] * STEPS}, "golden.outputs.sum: its shape is [32, 1], not [?, 2]"),
        ({"gate": [[2]] * STEPS}, "golden.inputs.gate: [[2], [2]"),
        ({"gate": [[True]] * 40}, "golden: every input and output has one value for each of at"),
    ],
)
def test_lists_that_do_not_fit_are_refused(
    folder: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(DeclarationError) as refused:
        golden_run(listed(**changes), SIGNATURE, folder)
    assert str(refused.value).startswith(f"model.toml: {message}")


def test_fewer_steps_prove_nothing(folder: Path) -> None:
    save(folder / "short.npz", {name: array[:31] for name, array in ARRAYS.items()})
    with pytest.raises(DeclarationError, match="at least 32 steps, there are 31"):
        run(folder, "short.npz")


def test_a_file_that_lacks_or_twists_an_array_is_refused(folder: Path) -> None:
    save(folder / "few.npz", {"signal": ARRAYS["signal"]})
    with pytest.raises(DeclarationError, match="'few.npz' has no array 'gate'"):
        run(folder, "few.npz")
    save(folder / "twisted.npz", ARRAYS | {"count": np.ones((STEPS, 1))})
    with pytest.raises(DeclarationError, match="'count' is float64.* not int64"):
        run(folder, "twisted.npz")


def test_nothing_is_unpickled(folder: Path) -> None:
    save(folder / "pickle.npz", {"signal": np.array([{}], object)})
    with pytest.raises(DeclarationError, match="'pickle.npz' cannot be read: Object arrays"):
        run(folder, "pickle.npz")


@pytest.mark.parametrize("content", [b"junk", b"", b"PK\x03\x04"])
def test_a_file_that_is_no_npz_is_refused(folder: Path, content: bytes) -> None:
    (folder / "junk.npz").write_bytes(content)
    with pytest.raises(DeclarationError, match="'junk.npz' cannot be read"):
        run(folder, "junk.npz")


def test_a_file_that_is_not_there_is_named_without_its_folder(folder: Path) -> None:
    with pytest.raises(DeclarationError, match="'no.npz' cannot be read: No such file or director"):
        run(folder, "no.npz")


def test_a_lone_array_is_no_npz(folder: Path) -> None:
    np.save(folder / "one.npy", ARRAYS["sum"])
    with pytest.raises(DeclarationError, match="'one.npy' cannot be read: it is no .npz file"):
        run(folder, "one.npy")


def test_a_file_stays_within_the_repository(folder: Path, tmp_path: Path) -> None:
    save(tmp_path / "outside.npz", ARRAYS)
    (folder / "link.npz").symlink_to(tmp_path / "outside.npz")
    for name in ("link.npz", "../../../outside.npz"):
        with pytest.raises(DeclarationError, match="leads out of the repository"):
            run(folder, name)
